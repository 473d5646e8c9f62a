package describe

import (
	"starling/params"
	"starling/script"
	"starling/script/descriptor"
)

// inferDescriptor returns the descriptor of a script, as far as the script
// alone tells what it is.
func inferDescriptor(s []byte, _ script.Class, _ [][]byte, net *params.Network) string {
	return descriptor.Infer(descriptor.Output{Script: s}, net).String()
}

// WithChecksum adds its checksum to a descriptor.
func WithChecksum(body string) string { return body + "#" + descriptor.Checksum(body) }
