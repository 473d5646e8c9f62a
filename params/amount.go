package params

import (
	"fmt"
	"strings"
)

// FormatCoins writes an amount of satoshi in coins, with all eight decimals.
func FormatCoins(sat int64) string {
	sign, v := "", uint64(sat)
	if sat < 0 {
		sign, v = "-", -v // right for the least number too, which has no opposite
	}
	return fmt.Sprintf("%s%d.%08d", sign, v/Coin, v%Coin)
}

// ShortCoins is [FormatCoins] without needless zeros.
func ShortCoins(sat int64) string {
	return strings.TrimSuffix(strings.TrimRight(FormatCoins(sat), "0"), ".")
}
