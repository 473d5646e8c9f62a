package walletrpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"starling/rpc/describe"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpcargs"
	"starling/rpc/rpctypes"
	"starling/script/descriptor"
	"starling/wallet"
)

// timestamp is a time in seconds since 1970, or the word now.
type timestamp struct {
	now     bool
	seconds int64
}

func (*timestamp) ArgType() jsonrpc.Type { return "" }
func (*timestamp) ArgWord() string       { return "numeric or string" }

func (t *timestamp) DecodeArg(_ string, raw json.RawMessage) error {
	switch jsonrpc.TypeOf(raw) {
	case jsonrpc.TypeString:
		if string(raw) == `"now"` {
			t.now = true
			return nil
		}
	case jsonrpc.TypeNumber:
		if json.Unmarshal(raw, &t.seconds) != nil {
			return jsonrpc.Errorf(jsonrpc.CodeMisc, "JSON integer out of range")
		}
		return nil
	}
	return jsonrpc.Errorf(jsonrpc.CodeType, "Expected number or \"now\" timestamp value for key. got type %s", jsonrpc.TypeOf(raw))
}

type importRequest struct {
	Desc      string              `rpc:"desc" help:"The descriptor, with its checksum"`
	Active    bool                `rpc:"active" default:"false" help:"Take new addresses from it"`
	Range     *rpcargs.IndexRange `rpc:"range" help:"The last index to watch, or the first and the last"`
	NextIndex *int32              `rpc:"next_index" help:"The next index to give out"`
	Internal  bool                `rpc:"internal" default:"false" help:"For change"`
	Label     *string             `rpc:"label" help:"A label for its addresses"`
}

// Open lets entries of listdescriptors be given as they are.
func (*importRequest) Open() {}

// importItem is one request, which fails alone if it does not decode.
type importItem struct {
	raw       json.RawMessage
	members   []jsonrpc.RawMember
	timestamp timestamp
}

func (*importItem) ArgType() jsonrpc.Type { return jsonrpc.TypeObject }
func (*importItem) ArgWord() string       { return "json object" }

// DecodeArg reads only the time, which decides about the one scan for all.
func (t *importItem) DecodeArg(_ string, raw json.RawMessage) (err error) {
	t.raw = bytes.Clone(raw)
	if t.members, err = jsonrpc.DecodeObject(raw); err != nil {
		return err
	}
	at := jsonrpc.Get(t.members, "timestamp")
	if at == nil {
		return jsonrpc.Errorf(jsonrpc.CodeType, "Missing required timestamp field for key")
	}
	return t.timestamp.DecodeArg("timestamp", at)
}

// request reads the rest.
func (t *importItem) request() (*importRequest, error) {
	q := new(importRequest)
	if jsonrpc.Get(t.members, "desc") == nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Descriptor not found.")
	}
	return q, jsonrpc.DecodeStruct(q, t.raw)
}

type importParams struct {
	Requests []importItem `rpc:"requests" item:"descriptor" help:"Objects: desc, the descriptor with its checksum; timestamp, when the first payment can have been made, in seconds since 1970, or \"now\"; and perhaps active, to take new addresses from it; range, the last index to watch, or the first and the last; next_index, the next one to give out; internal, if it is for change; label"`
}

func (a *api) importDescriptors(ctx context.Context, p importParams) ([]rpctypes.ImportResult, error) {
	w, err := a.wallet(ctx)
	if err != nil {
		return nil, err
	}
	if s := w.Status(); s.Encrypted && s.UnlockedUntil == 0 {
		return nil, walletError(wallet.ErrLocked)
	}
	results := make([]rpctypes.ImportResult, len(p.Requests))
	var list []wallet.Import
	var from []int // the request that each came from
	for i, q := range p.Requests {
		more, warnings, err := a.importsOf(&q)
		results[i].Warnings = warnings
		if err != nil {
			results[i].Error = jsonrpc.ToError(err, describe.Error)
			continue
		}
		results[i].Success = true
		for _, m := range more {
			list, from = append(list, m), append(from, i)
		}
	}
	errs, err := w.Import(ctx, list)
	if err != nil {
		return nil, walletError(err)
	}
	for i, err := range errs {
		if err != nil {
			r := &results[from[i]]
			r.Success, r.Error = false, jsonrpc.ToError(importError(err), describe.Error)
		}
	}
	return results, nil
}

// importError turns what is wrong with one descriptor into Core's errors.
func importError(err error) error {
	var d *descriptor.Error
	if errors.As(err, &d) {
		return jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "%v", d)
	}
	return walletError(err)
}

// importsOf reads one request. Alternatives in a descriptor (BIP389) make one
// import each, of which the second is for change.
func (a *api) importsOf(t *importItem) (list []wallet.Import, warnings []string, err error) {
	q, err := t.request()
	if err != nil {
		return nil, nil, err
	}
	ds, err := descriptor.ParseChecked(q.Desc, a.network())
	if err != nil {
		return nil, nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "%v", err)
	}
	if len(ds) > 1 && q.Label != nil {
		return nil, nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Multipath descriptors should not have a label")
	}
	if len(ds) > 1 && q.Internal {
		return nil, nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Cannot have 'internal' set to true when importing a multipath descriptor")
	}
	for i, d := range ds {
		m := wallet.Import{
			Descriptor: d, Active: q.Active, Internal: q.Internal || i == 1, Created: t.timestamp.seconds, Now: t.timestamp.now,
			End: -1, Next: -1,
		}
		switch ranged := d.IsRange(); {
		case !ranged && q.Range != nil:
			return nil, nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Range should not be specified for an un-ranged descriptor")
		case !ranged && q.Active:
			return nil, nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Active descriptors must be ranged")
		case ranged && q.Label != nil && *q.Label != "":
			return nil, nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Ranged descriptors should not have a label")
		case q.Internal && q.Label != nil:
			return nil, nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Internal addresses should not have a label")
		case ranged && q.Range != nil:
			m.First, m.End = int32(q.Range.First), int32(q.Range.Last)+1
		case ranged:
			warnings = append(warnings, "Range not given, using default keypool range")
		}
		if q.NextIndex != nil {
			m.Next = *q.NextIndex
			if m.Next < m.First || m.End > 0 && m.Next >= m.End {
				return nil, nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "next_index is out of range")
			}
		}
		if q.Active && !d.CanGiveAddresses() {
			return nil, nil, jsonrpc.Errorf(jsonrpc.CodeWallet, "Combo descriptors cannot be set to active")
		}
		if q.Label != nil {
			m.Label, m.HasLabel = *q.Label, true
		}
		list = append(list, m)
	}
	return list, warnings, nil
}
