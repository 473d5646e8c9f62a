package walletcmd

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"starling/internal/cli/cmdkit"
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
		params := map[string]any{"unlock": f == "thaw", "transactions": []any{coin}, "persistent": f == "freeze"}
		if err := p.quietly(nil, "lockunspent", params); err != nil {
			return err
		}
		changed = true
	}
	if changed {
		return nil
	}
	var raw []json.RawMessage
	if err := p.quietly(&raw, "listunspent", map[string]any{"minconf": 0}); err != nil {
		return err
	}
	frozen, err := p.frozen()
	if err != nil {
		return err
	}
	if p.on("json") {
		return p.coinsJSON(raw, frozen)
	}
	t := cmdkit.NewTable(p.out(), "AMOUNT", "BLOCKS", "ADDRESS", "LABEL", "STATE", "COIN")
	row := func(c coin) {
		state := ""
		if c.Frozen {
			state = "frozen"
		}
		t.Row(c.Amount, c.Confirmations, c.Address, c.Label, state, fmt.Sprintf("%s:%d", c.TxID, c.Vout))
	}
	for _, r := range raw {
		var c coin
		if err := json.Unmarshal(r, &c); err != nil {
			return err
		}
		row(c)
	}
	for _, c := range frozen {
		row(c)
	}
	return t.End()
}

// coinsJSON prints what the node answers about each coin, and whether it is
// frozen.
func (p *purse) coinsJSON(raw []json.RawMessage, frozen []coin) error {
	all := []any{}
	for _, r := range raw {
		var c map[string]json.RawMessage
		if err := json.Unmarshal(r, &c); err != nil {
			return err
		}
		c["frozen"] = json.RawMessage("false")
		all = append(all, c)
	}
	for _, c := range frozen {
		all = append(all, c)
	}
	return cmdkit.WriteJSON(p.out(), all)
}

// parseCoin reads an output as TXID:N.
func parseCoin(s string) (map[string]any, error) {
	id, n, ok := strings.Cut(s, ":")
	vout, err := strconv.ParseUint(n, 10, 32)
	if !ok || err != nil {
		return nil, fmt.Errorf("%q is no coin; they are written TXID:N", s)
	}
	if _, err := wire.HashFromString(id); err != nil {
		return nil, fmt.Errorf("%q is no coin: %w", s, err)
	}
	return map[string]any{"txid": id, "vout": vout}, nil
}

// coin is an unspent output of the wallet.
type coin struct {
	TxID          string      `json:"txid"`
	Vout          uint32      `json:"vout"`
	Address       string      `json:"address"`
	Label         string      `json:"label"`
	Amount        json.Number `json:"amount"`
	Confirmations int32       `json:"confirmations"`
	Frozen        bool        `json:"frozen"`
}

// frozen returns the coins that are kept from being spent, with what the node
// knows of them. Those that a payment in the mempool spends are left out.
func (p *purse) frozen() ([]coin, error) {
	var locked []struct {
		TxID string `json:"txid"`
		Vout uint32 `json:"vout"`
	}
	if err := p.quietly(&locked, "listlockunspent", nil); err != nil {
		return nil, err
	}
	var coins []coin
	for _, l := range locked {
		var out *struct {
			Value         json.Number `json:"value"`
			Confirmations int32       `json:"confirmations"`
			Script        struct {
				Address string `json:"address"`
			} `json:"scriptPubKey"`
		}
		if err := p.quietly(&out, "gettxout", map[string]any{"txid": l.TxID, "n": l.Vout}); err != nil {
			return nil, err
		}
		if out == nil {
			continue
		}
		c := coin{TxID: l.TxID, Vout: l.Vout, Address: out.Script.Address, Amount: out.Value, Confirmations: out.Confirmations, Frozen: true}
		if c.Address != "" {
			var about struct {
				Labels []string `json:"labels"`
			}
			if err := p.quietly(&about, "getaddressinfo", map[string]any{"address": c.Address}); err != nil {
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
