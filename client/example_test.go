package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/client"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
)

// A wallet is made, paid by new blocks, and pays in turn.
func Example() {
	n, stop, err := runNode("/example", vfs.NewMem())
	if err != nil {
		log.Fatal(err)
	}
	defer stop()

	ctx := context.Background()
	c := client.New(client.Options{Address: n.RPCAddr().String(), User: "u", Password: "p"})
	if _, err := c.CreateWallet(ctx, "savings", nil); err != nil {
		log.Fatal(err)
	}
	w := c.WithWallet("savings")
	addr, err := w.GetNewAddress(ctx, "mined", "")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := c.GenerateToAddress(ctx, 101, addr); err != nil {
		log.Fatal(err)
	}

	balances, err := w.GetBalances(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("spendable:", balances.Mine.Trusted)

	_, err = w.SendToAddress(ctx, addr, 1000*rpctypes.SatoshiPerCoin, nil)
	if errors.Is(err, &client.Error{Code: jsonrpc.CodeInsufficientFunds}) {
		fmt.Println("not enough for that")
	}

	var height int32
	info := rpctypes.MempoolInfo{}
	err = c.Batch(ctx, &client.Request{Method: "getblockcount", Result: &height}, &client.Request{Method: "getmempoolinfo", Result: &info})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("height:", height, "unconfirmed:", info.Size)
	// Output:
	// spendable: 50.00000000
	// not enough for that
	// height: 101 unconfirmed: 0
}

// A node of the same user, here on regtest, is called with the cookie that it has
// written.
func ExampleNew() {
	home, err := os.UserHomeDir()
	if err != nil {
		log.Fatal(err)
	}
	c := client.New(client.Options{
		Address:    "127.0.0.1:18443",
		CookiePath: filepath.Join(home, ".starling", "regtest", ".cookie"),
	})
	height, err := c.GetBlockCount(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("height:", height)
}
