package settings

import (
	"starling/internal/layered"
	"starling/internal/loglevel"
)

// watchOptions are the settings about what those see who run the node.
func watchOptions() []layered.Option {
	return []layered.Option{
		{Name: "log-level", Value: "LEVEL", Kind: layered.List, Default: []string{"info"}, Help: "debug, info, warn or error; also for one part, such as net=debug; may be repeated"},
		{Name: "log-format", Value: "FORMAT", Default: "text", Help: "text or json"},
		{Name: "metrics-listen", Value: "HOST:PORT", Help: "where Prometheus may fetch metrics (default nowhere)"},
	}
}

// settleLog fills in what is logged, of a node with the given parts.
func (s *Settings) settleLog(parts []string) error {
	s.LogLevels, s.LogFormat = s.List("log-level"), s.Text("log-format")
	if _, err := loglevel.New(parts, s.LogLevels); err != nil {
		return s.Fail("log-level", "%v", err)
	}
	if s.LogFormat != "text" && s.LogFormat != "json" {
		return s.Fail("log-format", "%q is neither text nor json", s.LogFormat)
	}
	return nil
}
