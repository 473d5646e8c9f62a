package rpc

import "encoding/json"

// money is a parameter that is an amount of coins: a number, or a string.
type money Amount

func (*money) argType() jsonType { return "" }

func (*money) argWord() string { return "numeric or string" }

func (m *money) decodeArg(_ string, raw json.RawMessage) error {
	v, err := parseMoney(raw)
	*m = money(v)
	return err
}

// rate is a parameter that is a fee rate in satoshi for a virtual byte, with up
// to three decimals: a number, or a string. It holds satoshi for 1,000.
type rate int64

func (*rate) argType() jsonType { return "" }

func (*rate) argWord() string { return "numeric or string" }

func (r *rate) decodeArg(_ string, raw json.RawMessage) error {
	s, err := moneyText(raw)
	if err != nil {
		return err
	}
	v, err := parseFixed(s, 3)
	*r = rate(v)
	return err
}
