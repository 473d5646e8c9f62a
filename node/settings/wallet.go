package settings

import "starling/internal/layered"

// walletOptions are the settings about wallets.
func walletOptions() []layered.Option {
	return []layered.Option{
		{Name: "wallet", Value: "NAME", Kind: layered.List, Help: "load this wallet, beside those that are loaded at every start; may be repeated"},
		{Name: "no-wallet", Kind: layered.Bool, Help: "have no wallets"},
	}
}

// settleWallets fills in which wallets the node has.
func (s *Settings) settleWallets() {
	s.Wallet.Load, s.NoWallet = s.List("wallet"), s.Bool("no-wallet")
}
