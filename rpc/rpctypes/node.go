package rpctypes

// RPCInfo is the result of getrpcinfo.
type RPCInfo struct {
	Active  []ActiveCommand `json:"active_commands" help:"calls being answered"`
	LogPath string          `json:"logpath" help:"always empty: messages go to the standard error output"`
}

// ActiveCommand is a call in the result of getrpcinfo.
type ActiveCommand struct {
	Method   string `json:"method" help:"the method's name"`
	Duration int64  `json:"duration" help:"for how long it has been running, in microseconds"`
}

// IndexInfo is an index in the result of getindexinfo.
type IndexInfo struct {
	Synced bool  `json:"synced" help:"whether it has reached the tip"`
	Height int32 `json:"best_block_height" help:"height of the last block that it has taken in"`
}
