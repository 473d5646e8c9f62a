package netmake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"

	"starling/address"
	"starling/clock"
	"starling/node/settings"
	"starling/params"
	"starling/params/netfile"
)

// Result is a network that was made.
type Result struct {
	Network *params.Network
	Path    string // its file
	// Mnemonic is the seed phrase of the wallet, if that was made too.
	Mnemonic string
}

// RequestError is the error of a request that asks for what cannot be. Nothing
// was made or written then.
type RequestError struct{ Err error }

// Error implements the error interface.
func (e *RequestError) Error() string { return e.Err.Error() }

// Unwrap returns the error itself.
func (e *RequestError) Unwrap() error { return e.Err }

// ExistsError is the error of a request whose file is there already.
type ExistsError struct{ Path string }

// Error implements the error interface.
func (e *ExistsError) Error() string { return e.Path + " exists" }

// Create makes a network and writes its file. The error is a [*RequestError] if
// the request asks for what cannot be, and an [*ExistsError] if it may not have
// its file. A wallet that was made stays, since keys are never thrown away; so
// the result holds its seed phrase whatever becomes of the network.
func Create(ctx context.Context, r Request) (made Result, err error) {
	spec, err := r.spec(clock.System().Now())
	if err != nil {
		return Result{}, &RequestError{err}
	}
	made.Path = cmp.Or(r.Path, settings.NetworkFile(r.Settings.DataDir(), r.Name))
	// The file is begun first: where none can be written, nothing is made.
	d, err := begin(made.Path, r.Replace)
	if err != nil {
		return made, err
	}
	defer func() { err = errors.Join(err, d.drop()) }()
	if r.Wallet != "" {
		var to address.Address
		if to, made.Mnemonic, err = NewAddress(ctx, r.Settings, spec.Network, r.Wallet); err != nil {
			return made, fmt.Errorf("wallet %s: %w", r.Wallet, err)
		}
		spec.Outputs[0].Script = to.Script()
	}
	if made.Network, err = netfile.Create(ctx, spec, seldom(spec, r.Progress)); err != nil {
		return made, err
	}
	text, err := netfile.Encode(made.Network)
	if err != nil {
		return made, err
	}
	return made, d.finish(text)
}

// seldom tells how the work of a first block goes, if it takes long.
func seldom(spec netfile.Spec, tell func(hashes uint64, needed float64)) func(uint64) {
	if tell == nil {
		return nil
	}
	target, _ := params.Target(cmp.Or(spec.Bits, spec.Network.PowLimitBits))
	const every = 1 << 26 // hashes: some seconds
	var told uint64
	return func(hashes uint64) {
		if hashes < told+every {
			return
		}
		told = hashes
		tell(hashes, math.Ldexp(1, 256-target.BitLen()))
	}
}
