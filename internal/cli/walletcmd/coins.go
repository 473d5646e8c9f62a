package walletcmd

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"starling/client"
	"starling/internal/cli/cmdkit"
	"starling/rpc/rpctypes"
	"starling/wire"
)

func newWalletCoinsCmd() *cobra.Command {
	c := walletCmd(&cobra.Command{
		Use:   "coins",
		Short: "List the coins: what was received and not spent",
		Long: `List the coins: what was received and not spent. --freeze keeps one from being
spent by payments that do not name it, and the list shows it as frozen; --thaw
takes that back.

  starling wallet coins
  starling wallet coins --freeze TXID:0`,
		Args: cmdkit.NoArgs,
		RunE: checked(checkCoins, withWallet(walletCoins)),
	})
	c.Flags().String("freeze", "", "keep this coin, `TXID:N`, from being spent")
	c.Flags().String("thaw", "", "let this coin, `TXID:N`, be spent again")
	return c
}

func checkCoins(p *purse, _ []string) error {
	for _, f := range []string{"freeze", "thaw"} {
		if s := p.text(f); s != "" {
			if _, err := parseCoin(s); err != nil {
				return fmt.Errorf("%s: %w", f, err)
			}
		}
	}
	return nil
}

func walletCoins(p *purse, _ []string) error {
	changed := false
	for _, f := range []string{"freeze", "thaw"} {
		s := p.text(f)
		if s == "" {
			continue
		}
		coin, err := parseCoin(s)
		if err != nil {
			return err
		}
		if f == "freeze" {
			_, err = p.client.LockUnspent(p.ctx, []wire.OutPoint{coin}, true)
		} else {
			_, err = p.client.LockUnspentRelease(p.ctx, []wire.OutPoint{coin})
		}
		if err != nil {
			return err
		}
		changed = true
	}
	if changed {
		return nil
	}
	const unconfirmed = int32(0)
	coins, err := p.client.ListUnspent(p.ctx, &client.UnspentOptions{MinConf: new(unconfirmed)})
	if err != nil {
		return err
	}
	raw := p.calls.last
	frozen, err := p.frozen()
	if err != nil {
		return err
	}
	if p.on("json") {
		return p.coinsJSON(raw, frozen)
	}
	p.tellUnknown()
	t := cmdkit.NewTable(p.out(), "AMOUNT", "BLOCKS", "ADDRESS", "LABEL", "STATE", "COIN")
	for _, c := range coins {
		t.Row(c.Amount, c.Confirmations, c.Address, orNothing(c.Label), "", fmt.Sprintf("%s:%d", c.TxID, c.Vout))
	}
	for _, c := range frozen {
		t.Row(c.Amount, c.Confirmations, c.Address, c.Label, "frozen", fmt.Sprintf("%s:%d", c.TxID, c.Vout))
	}
	return t.End()
}

// coinsJSON prints what the node answers about each coin, and whether it is
// frozen.
func (p *purse) coinsJSON(raw json.RawMessage, frozen []frozenCoin) error {
	var coins []map[string]json.RawMessage
	if err := json.Unmarshal(raw, &coins); err != nil {
		return err
	}
	all := []any{}
	for _, c := range coins {
		c["frozen"] = json.RawMessage("false")
		all = append(all, c)
	}
	for _, c := range frozen {
		all = append(all, c)
	}
	return cmdkit.WriteJSON(p.out(), all)
}

// parseCoin reads an output as TXID:N.
func parseCoin(s string) (wire.OutPoint, error) {
	id, n, ok := strings.Cut(s, ":")
	vout, err := strconv.ParseUint(n, 10, 32)
	if !ok || err != nil {
		return wire.OutPoint{}, fmt.Errorf("%q is no coin; they are written TXID:N", s)
	}
	hash, err := wire.HashFromString(id)
	if err != nil {
		return wire.OutPoint{}, fmt.Errorf("%q is no coin: %w", s, err)
	}
	return wire.OutPoint{Hash: hash, Index: uint32(vout)}, nil
}

// frozenCoin is a coin that is kept from being spent, in the form of --json.
type frozenCoin struct {
	TxID          wire.Hash       `json:"txid"`
	Vout          uint32          `json:"vout"`
	Address       string          `json:"address"`
	Label         string          `json:"label"`
	Amount        rpctypes.Amount `json:"amount"`
	Confirmations int32           `json:"confirmations"`
	Frozen        bool            `json:"frozen"`
}

// frozen returns the coins that are kept from being spent, with what the node
// knows of them. Those that a payment in the mempool spends are left out.
func (p *purse) frozen() ([]frozenCoin, error) {
	locked, err := p.client.ListLockUnspent(p.ctx)
	if err != nil {
		return nil, err
	}
	var coins []frozenCoin
	for _, l := range locked {
		const mempool = true
		out, err := p.client.GetTxOut(p.ctx, wire.OutPoint{Hash: l.TxID, Index: l.Vout}, mempool)
		if err != nil {
			return nil, err
		}
		if out == nil {
			continue
		}
		c := frozenCoin{TxID: l.TxID, Vout: l.Vout, Address: out.Script.Address, Amount: out.Value, Confirmations: out.Confirmations, Frozen: true}
		if c.Address != "" {
			about, err := p.client.GetAddressInfo(p.ctx, c.Address)
			if err != nil {
				return nil, err
			}
			if len(about.Labels) > 0 {
				c.Label = about.Labels[0]
			}
		}
		coins = append(coins, c)
	}
	return coins, nil
}
