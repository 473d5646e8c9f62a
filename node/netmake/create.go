package netmake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

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
// was made then.
type RequestError struct{ Err error }

// Error implements the error interface.
func (e *RequestError) Error() string { return e.Err.Error() }

// Unwrap returns the error itself.
func (e *RequestError) Unwrap() error { return e.Err }

// Create makes a network and writes its file. The error is a [*RequestError] if
// the request asks for what cannot be.
func Create(ctx context.Context, r Request) (Result, error) {
	n, err := r.network()
	if err != nil {
		return Result{}, &RequestError{err}
	}
	if len(n.FixedSeeds) == 0 && r.Settings.NodeID != 0 {
		n.FixedSeeds = r.Settings.Listen // the first of several nodes is where the others begin
	}
	path := cmp.Or(r.Path, settings.NetworkFile(r.Settings.DataDir(), n.Name))
	if !r.Replace {
		if _, err := os.Lstat(path); err == nil {
			return Result{}, fmt.Errorf("%s exists; --force replaces it", path)
		}
	}
	spec := netfile.Spec{Network: n, Text: r.Text, Time: clock.System().Now()}
	if spec.Outputs, err = r.outputs(n); err != nil {
		return Result{}, &RequestError{err}
	}
	made := Result{Path: path}
	if r.Wallet != "" {
		// The wallet comes last, when all else is known to be right.
		if err := netfile.Check(spec); err != nil {
			return Result{}, &RequestError{err}
		}
		to, mnemonic, err := NewAddress(ctx, r.Settings, n, r.Wallet)
		if err != nil {
			return Result{}, fmt.Errorf("wallet %s: %w", r.Wallet, err)
		}
		spec.Outputs[0].Script, made.Mnemonic = to.Script(), mnemonic
	}
	made.Network, err = Write(ctx, spec, path, r.Progress)
	return made, err
}

// Write does the work of a network's first block and writes its file. The error
// is a [*RequestError] for a network that cannot be.
func Write(ctx context.Context, spec netfile.Spec, path string, progress func(hashes uint64, needed float64)) (*params.Network, error) {
	n, err := netfile.Create(ctx, spec, seldom(spec, progress))
	var wrong *netfile.Error
	switch {
	case errors.As(err, &wrong):
		return nil, &RequestError{err}
	case err != nil:
		return nil, err
	}
	text, err := netfile.Encode(n)
	if err != nil {
		return nil, err
	}
	return n, writeFile(path, text)
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
		tell(hashes, expectedHashes(target.BitLen()))
	}
}

// expectedHashes is about how many hashes a target of so many bits takes.
func expectedHashes(bits int) float64 {
	h := 1.0
	for range 256 - bits {
		h *= 2
	}
	return h
}
