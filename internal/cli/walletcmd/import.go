package walletcmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"starling/internal/cli/cmdkit"
)

// readDescriptors reads descriptors: from a file or the standard input, in one
// of the forms of [parseDescriptors], or the one that the word itself is.
func (p *purse) readDescriptors(arg string) ([]descriptorLine, error) {
	var b []byte
	var err error
	if arg == "-" {
		var s string
		s, err = p.rest()
		b, arg = []byte(s), "the standard input"
	} else {
		b, err = os.ReadFile(arg)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && strings.Contains(arg, "("):
		return []descriptorLine{{Desc: arg, Timestamp: 0, Active: p.on("active")}}, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, cmdkit.UsageError{Err: fmt.Errorf("%q is neither a file nor a descriptor", arg)}
	case err != nil:
		return nil, err
	}
	if err := p.refuse("with a file, which says it of each", "active"); err != nil {
		return nil, err
	}
	list, err := parseDescriptors(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", arg, err)
	}
	return list, nil
}

// parseDescriptors reads a list of descriptors, as "starling wallet export"
// prints it, or one in an object, as the method listdescriptors answers, with
// or without the frame of JSON-RPC around it.
func parseDescriptors(b []byte) ([]descriptorLine, error) {
	var list []descriptorLine
	b = bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
	err := json.Unmarshal(b, &list)
	if bytes.HasPrefix(b, []byte("{")) {
		var answer struct {
			Descriptors []descriptorLine `json:"descriptors"`
			Result      *struct {
				Descriptors []descriptorLine `json:"descriptors"`
			} `json:"result"`
		}
		err = json.Unmarshal(b, &answer)
		if list = answer.Descriptors; answer.Result != nil {
			list = answer.Result.Descriptors
		}
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("not what \"starling wallet export\" or listdescriptors prints: %w", err)
	case len(list) == 0:
		return nil, errors.New("there is no descriptor in it")
	}
	for i, d := range list {
		if d.Desc == "" {
			return nil, fmt.Errorf("entry %d of it has no descriptor", i+1)
		}
	}
	return list, nil
}
