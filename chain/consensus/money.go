package consensus

import (
	"fmt"

	"starling/params"
)

const (
	// Coin is how many satoshi one bitcoin has.
	Coin = 100_000_000
	// MaxMoney is the largest amount, in satoshi, that an output or a sum of
	// outputs may have. It is not the supply, which stays a little below, but
	// a bound that keeps every sum within 64 bits.
	MaxMoney = 21_000_000 * Coin
)

// ValidMoney reports whether an amount in satoshi is in range.
func ValidMoney(amount int64) bool { return amount >= 0 && amount <= MaxMoney }

// Subsidy returns the new satoshi that a block at the given height may create.
func Subsidy(height int32, net *params.Network) int64 {
	if net.SubsidyHalvingInterval <= 0 {
		return net.InitialSubsidy // a network whose subsidy never halves
	}
	halvings := height / net.SubsidyHalvingInterval
	if height < 0 || halvings >= 64 {
		return 0
	}
	return net.InitialSubsidy >> halvings
}

// formatMoney writes an amount as bitcoins with at least two decimals, as it
// appears in reject details.
func formatMoney(amount int64) string {
	sign := ""
	abs := uint64(amount)
	if amount < 0 {
		sign, abs = "-", -abs
	}
	frac := fmt.Sprintf("%08d", abs%Coin)
	end := len(frac)
	for end > 2 && frac[end-1] == '0' {
		end--
	}
	return fmt.Sprintf("%s%d.%s", sign, abs/Coin, frac[:end])
}
