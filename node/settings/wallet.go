package settings

import (
	"starling/internal/layered"
	"starling/wallet"
)

// walletOptions are the settings about wallets.
func walletOptions() []layered.Option {
	return []layered.Option{
		{Name: "wallet", Value: "NAME", Kind: layered.List, Help: "load this wallet, beside those that are loaded at every start; may be repeated"},
		{Name: "no-wallet", Kind: layered.Bool, Help: "have no wallets"},
		{Name: "fallback-fee", Value: "SAT", Help: "pay so much for 1,000 virtual bytes while nothing is known about fees; 0 refuses such payments (default 2000, on main 0)"},
	}
}

// settleWallets fills in which wallets the node has, and what they pay.
func (s *Settings) settleWallets() error {
	s.Wallet.Load, s.NoWallet = s.List("wallet"), s.Bool("no-wallet")
	rate, given, err := s.feeRate("fallback-fee", wallet.MaxFeeRate)
	if given {
		s.Wallet.FallbackFee = rate
	}
	return err
}
