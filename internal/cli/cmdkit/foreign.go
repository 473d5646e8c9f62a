package cmdkit

// The words of other nodes, which people know by heart, and what does the same
// here. Flags that differ by dashes alone are found by their likeness.

// foreignFlags say for a flag of theirs what to type.
var foreignFlags = map[string]string{
	"port":           "did you mean --listen HOST:PORT?",
	"bind":           "did you mean --listen HOST:PORT?",
	"rpcport":        "did you mean --rpc-listen HOST:PORT?",
	"rpcbind":        "did you mean --rpc-listen HOST:PORT?",
	"rpcconnect":     "did you mean --rpc-listen HOST:PORT?",
	"rpcallowip":     "did you mean --rpc-listen HOST:PORT? Whoever reaches that address may log in",
	"rpccookiefile":  "did you mean --datadir DIR? The cookie file is in it",
	"rpcwallet":      "did you mean --wallet NAME?",
	"regtest":        "did you mean --network regtest?",
	"testnet":        "did you mean --network testnet4?",
	"testnet4":       "did you mean --network testnet4?",
	"signet":         "did you mean --network signet?",
	"mainnet":        "did you mean --network main?",
	"chain":          "did you mean --network NAME?",
	"simnet":         "did you mean --network regtest, or one of your own by \"starling network create\"?",
	"conf":           "did you mean --config FILE?",
	"configfile":     "did you mean --config FILE?",
	"server":         "calls are always answered, at --rpc-listen; leave it out",
	"daemon":         "the node runs until it is interrupted; a service manager or nohup keeps it in the background",
	"debug":          "did you mean --log-level debug?",
	"debuglevel":     "did you mean --log-level LEVEL?",
	"printtoconsole": "the log goes to the error output; leave it out",
	"disablewallet":  "did you mean --no-wallet?",
	"gen":            "did you mean --mine?",
	"generate":       "did you mean --mine?",
	"miningaddr":     "did you mean --miner ADDRESS?",
	"seed":           "did you mean --seednode HOST:PORT?",
	"nodnsseed":      "did you mean --dnsseed=false?",
	"nolisten":       "did you mean --listen 0?",
	"maxpeers":       "did you mean --max-connections N?",
	"paytxfee":       "did you mean --fallback-fee SAT?",
	"logips":         "addresses are always in the log; leave it out",
}

// foreignCommands say for a command or method of theirs what to type.
var foreignCommands = map[string]string{
	"importprivkey":     "did you mean starling wallet import?",
	"dumpprivkey":       "did you mean starling wallet export, or phrase?",
	"getaccountaddress": "did you mean starling wallet address?",
	"setgenerate":       "did you mean starling node --mine?",
	"estimatefee":       "did you mean starling rpc estimatesmartfee?",
	"addwitnessaddress": "did you mean starling wallet address?",
	"sendfrom":          "did you mean starling wallet send?",
}
