package txrpc

import (
	"context"

	"starling/rpc/rpcargs"
	"starling/rpc/rpctypes"
	"starling/rpc/signing"
	"starling/script/descriptor"
	"starling/wallet/sign"
)

// knowledge collects what descriptors tell, and their private keys.
func (a *api) knowledge(ctx context.Context, objects []rpcargs.ScanObject) (*descriptor.Known, *sign.Ring, error) {
	known, ring := new(descriptor.Known), new(sign.Ring)
	for i := range objects {
		err := objects[i].Each(ctx, a.network(), func(d *descriptor.Descriptor, index uint32, outs []descriptor.Output) {
			for _, o := range outs {
				known.AddOutput(o)
			}
			for _, k := range d.PrivateKeys(index) {
				ring.Add(k)
			}
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return known, ring, nil
}

type updateParams struct {
	PSBT        string               `rpc:"psbt" help:"The partially signed transaction in base64"`
	Descriptors []rpcargs.ScanObject `rpc:"descriptors,optional" item:"descriptor" help:"Descriptors, alone or as objects with desc and range"`
}

func (a *api) utxoUpdatePSBT(ctx context.Context, p updateParams) (string, error) {
	packet, err := rpcargs.ParsePSBT(p.PSBT)
	if err != nil {
		return "", err
	}
	known, _, err := a.knowledge(ctx, p.Descriptors)
	if err != nil {
		return "", err
	}
	if err := signing.UpdatePSBT(ctx, a.Txs, packet, known, true); err != nil {
		return "", err
	}
	packet.DropPrevious()
	return packet.Base64(), nil
}

type processParams struct {
	PSBT        string               `rpc:"psbt" help:"The partially signed transaction in base64"`
	Descriptors []rpcargs.ScanObject `rpc:"descriptors" item:"descriptor" help:"Descriptors, alone or as objects with desc and range"`
	HashType    *string              `rpc:"sighashtype" help:"What signatures cover: DEFAULT, ALL, NONE or SINGLE, perhaps with |ANYONECANPAY"`
	Origins     bool                 `rpc:"bip32derivs" default:"true" help:"Whether it is added where keys come from"`
	Finalize    bool                 `rpc:"finalize" default:"true" help:"Whether inputs with enough signatures are made final"`
}

func (a *api) descriptorProcessPSBT(ctx context.Context, p processParams) (r rpctypes.ProcessedPSBT, err error) {
	packet, err := rpcargs.ParsePSBT(p.PSBT)
	if err != nil {
		return r, err
	}
	hashType, err := signing.ParseHashType(p.HashType)
	if err != nil {
		return r, err
	}
	known, ring, err := a.knowledge(ctx, p.Descriptors)
	if err != nil {
		return r, err
	}
	if err := signing.UpdatePSBT(ctx, a.Txs, packet, known, p.Origins); err != nil {
		return r, err
	}
	return signing.SignPSBT(packet, ring, known, hashType, p.Finalize)
}
