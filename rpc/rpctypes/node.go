package rpctypes

type RPCInfo struct {
	Active  []ActiveCommand `json:"active_commands" help:"calls being answered"`
	LogPath string          `json:"logpath" help:"always empty: messages go to the standard error output"`
}

type ActiveCommand struct {
	Method   string `json:"method"`
	Duration int64  `json:"duration" help:"for how long, in microseconds"`
}

type IndexInfo struct {
	Synced bool  `json:"synced" help:"whether it has reached the tip"`
	Height int32 `json:"best_block_height" help:"how far it is"`
}
