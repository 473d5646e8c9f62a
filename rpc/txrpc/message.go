package txrpc

import (
	"context"
	"errors"

	"github.com/btcsuite/btcd/btcec/v2"

	"starling/address"
	"starling/rpc/jsonrpc"
	"starling/script/descriptor"
	"starling/wallet/message"
)

func (a *api) messageMethods() []*jsonrpc.Method {
	const category = "Util"
	addr := "1D1ZrZNe3JUo7ZycKEYQQiQAWd9y54F4XX"
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "signmessagewithprivkey", Category: category,
			Summary: "Signs a text with a private key, for the address of its public key's hash.", Returns: "The signature in base64",
			Examples: [][]any{{"private key", "my message"}}}, a.signMessageWithPrivKey),
		jsonrpc.Define(jsonrpc.Method{Name: "verifymessage", Category: category,
			Summary: "Says whether a text was signed with the key of an address. For addresses that witnesses spend the\n" +
				"signature is one of BIP322 (simple).",
			Returns: "Whether it was", Examples: [][]any{{addr, "signature", "my message"}}}, a.verifyMessage),
	}
}

// parsePrivateKey reads a private key in wallet import format.
func (a *api) parsePrivateKey(s string) (key *btcec.PrivateKey, compressed bool, err error) {
	key, compressed, err = descriptor.ParseWIF(s, a.network())
	if err != nil {
		return nil, false, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Invalid private key")
	}
	return key, compressed, nil
}

type signMessageKeyParams struct {
	Key     string `rpc:"privkey" help:"The private key, in wallet import format"`
	Message string `rpc:"message" help:"The text"`
}

func (a *api) signMessageWithPrivKey(_ context.Context, p signMessageKeyParams) (string, error) {
	key, compressed, err := a.parsePrivateKey(p.Key)
	if err != nil {
		return "", err
	}
	return message.Sign(key, compressed, p.Message), nil
}

type verifyMessageParams struct {
	Address   string `rpc:"address" help:"The address of the key"`
	Signature string `rpc:"signature" help:"The signature in base64"`
	Message   string `rpc:"message" help:"The text"`
}

func (a *api) verifyMessage(_ context.Context, p verifyMessageParams) (bool, error) {
	addr, err := address.Decode(p.Address, a.network())
	if err != nil {
		return false, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Invalid address")
	}
	ok, err := message.Verify(addr, p.Signature, p.Message, a.network())
	if errors.Is(err, message.ErrNoKey) || errors.Is(err, message.ErrMalformed) {
		return false, jsonrpc.Errorf(jsonrpc.CodeType, "%v", err)
	}
	return ok, err
}
