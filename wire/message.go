package wire

import "strconv"

// Message is one message of the peer-to-peer protocol, without its frame.
type Message interface {
	// Command is the name of the message on the wire, at most 12 characters.
	Command() string
	// AppendPayload adds the encoded payload to dst and returns it.
	AppendPayload(dst []byte) []byte
}

// decoder is a message that can be read from a payload. A decoder reads what
// it knows and leaves the rest: messages have grown fields at their end
// before, and Bitcoin Core ignores what it does not expect there too.
type decoder interface {
	Message
	decode(c *Cursor)
}

// The commands of all known messages.
const (
	CmdVersion      = "version"
	CmdVerack       = "verack"
	CmdAddr         = "addr"
	CmdAddrV2       = "addrv2"
	CmdSendAddrV2   = "sendaddrv2"
	CmdGetAddr      = "getaddr"
	CmdInv          = "inv"
	CmdGetData      = "getdata"
	CmdNotFound     = "notfound"
	CmdGetBlocks    = "getblocks"
	CmdGetHeaders   = "getheaders"
	CmdHeaders      = "headers"
	CmdSendHeaders  = "sendheaders"
	CmdBlock        = "block"
	CmdTx           = "tx"
	CmdMempool      = "mempool"
	CmdPing         = "ping"
	CmdPong         = "pong"
	CmdReject       = "reject"
	CmdAlert        = "alert"
	CmdFeeFilter    = "feefilter"
	CmdFilterLoad   = "filterload"
	CmdFilterAdd    = "filteradd"
	CmdFilterClear  = "filterclear"
	CmdMerkleBlock  = "merkleblock"
	CmdSendCmpct    = "sendcmpct"
	CmdCmpctBlock   = "cmpctblock"
	CmdGetBlockTxn  = "getblocktxn"
	CmdBlockTxn     = "blocktxn"
	CmdGetCFilters  = "getcfilters"
	CmdCFilter      = "cfilter"
	CmdGetCFHeaders = "getcfheaders"
	CmdCFHeaders    = "cfheaders"
	CmdGetCFCheckpt = "getcfcheckpt"
	CmdCFCheckpt    = "cfcheckpt"
	CmdWTxIDRelay   = "wtxidrelay"
	CmdSendTxRcncl  = "sendtxrcncl"
	CmdFeature      = "feature"
)

// slack is what a payload may have beyond its largest known form, in bytes.
// It leaves room for fields that later versions append, while a message that
// should be a few bytes long still cannot make anyone buffer megabytes.
const slack = 1024

// messageType is one row of the table of messages.
type messageType struct {
	command string
	limit   uint32 // largest payload, in bytes
	make    func() decoder
}

// messageTypes is the table of all known messages. It is never changed.
var messageTypes = byCommand(
	messageType{CmdVersion, maxVersionSize + slack, func() decoder { return new(MsgVersion) }},
	messageType{CmdVerack, slack, func() decoder { return new(MsgVerack) }},
	messageType{CmdWTxIDRelay, slack, func() decoder { return new(MsgWTxIDRelay) }},
	messageType{CmdSendAddrV2, slack, func() decoder { return new(MsgSendAddrV2) }},
	messageType{CmdSendTxRcncl, 12 + slack, func() decoder { return new(MsgSendTxRcncl) }},
	messageType{CmdFeature, 1 + MaxFeatureID + 3 + MaxFeatureData, func() decoder { return new(MsgFeature) }},

	messageType{CmdGetAddr, slack, func() decoder { return new(MsgGetAddr) }},
	messageType{CmdAddr, 3 + MaxAddr*addrV1Size + slack, func() decoder { return new(MsgAddr) }},
	messageType{CmdAddrV2, 3 + MaxAddr*maxAddrV2EntrySize + slack, func() decoder { return new(MsgAddrV2) }},

	messageType{CmdInv, 3 + MaxInv*InvVectSize + slack, func() decoder { return new(MsgInv) }},
	messageType{CmdGetData, 3 + MaxInv*InvVectSize + slack, func() decoder { return new(MsgGetData) }},
	messageType{CmdNotFound, 3 + MaxInv*InvVectSize + slack, func() decoder { return new(MsgNotFound) }},

	messageType{CmdGetBlocks, maxLocatorSize + slack, func() decoder { return new(MsgGetBlocks) }},
	messageType{CmdGetHeaders, maxLocatorSize + slack, func() decoder { return new(MsgGetHeaders) }},
	messageType{CmdHeaders, 3 + MaxHeaders*(HeaderSize+1) + slack, func() decoder { return new(MsgHeaders) }},
	messageType{CmdSendHeaders, slack, func() decoder { return new(MsgSendHeaders) }},

	messageType{CmdBlock, MaxPayloadSize, func() decoder { return new(MsgBlock) }},
	messageType{CmdTx, MaxPayloadSize, func() decoder { return new(MsgTx) }},
	messageType{CmdMempool, slack, func() decoder { return new(MsgMempool) }},

	messageType{CmdPing, 8 + slack, func() decoder { return new(MsgPing) }},
	messageType{CmdPong, 8 + slack, func() decoder { return new(MsgPong) }},
	messageType{CmdReject, 1 + maxCommand + 1 + 1 + maxRejectReason + HashSize + slack, func() decoder { return new(MsgReject) }},
	messageType{CmdAlert, 3 + maxAlertPayload + 3 + maxAlertSignature + slack, func() decoder { return new(MsgAlert) }},
	messageType{CmdFeeFilter, 8 + slack, func() decoder { return new(MsgFeeFilter) }},

	messageType{CmdFilterLoad, 3 + MaxFilterSize + 4 + 4 + 1 + slack, func() decoder { return new(MsgFilterLoad) }},
	messageType{CmdFilterAdd, 3 + MaxFilterAdd + slack, func() decoder { return new(MsgFilterAdd) }},
	messageType{CmdFilterClear, slack, func() decoder { return new(MsgFilterClear) }},
	messageType{CmdMerkleBlock, HeaderSize + 4 + 3 + maxMerkleTxs*HashSize + 3 + maxMerkleFlags + slack, func() decoder { return new(MsgMerkleBlock) }},

	messageType{CmdSendCmpct, 9 + slack, func() decoder { return new(MsgSendCmpct) }},
	messageType{CmdCmpctBlock, MaxPayloadSize, func() decoder { return new(MsgCmpctBlock) }},
	messageType{CmdGetBlockTxn, HashSize + 5 + 3*(maxCompactIndex+1) + slack, func() decoder { return new(MsgGetBlockTxn) }},
	messageType{CmdBlockTxn, MaxPayloadSize, func() decoder { return new(MsgBlockTxn) }},

	messageType{CmdGetCFilters, 37 + slack, func() decoder { return new(MsgGetCFilters) }},
	messageType{CmdCFilter, MaxPayloadSize, func() decoder { return new(MsgCFilter) }},
	messageType{CmdGetCFHeaders, 37 + slack, func() decoder { return new(MsgGetCFHeaders) }},
	messageType{CmdCFHeaders, 1 + 2*HashSize + 3 + MaxCFHeaders*HashSize + slack, func() decoder { return new(MsgCFHeaders) }},
	messageType{CmdGetCFCheckpt, 33 + slack, func() decoder { return new(MsgGetCFCheckpt) }},
	messageType{CmdCFCheckpt, 1 + HashSize + 3 + maxCFCheckpts*HashSize + slack, func() decoder { return new(MsgCFCheckpt) }},
)

func byCommand(types ...messageType) map[string]messageType {
	m := make(map[string]messageType, len(types))
	for _, t := range types {
		m[t.command] = t
	}
	return m
}

// MaxPayload returns the largest payload that a message of this command may
// have, in bytes. It is to be checked before the payload is read. Commands
// that are not known may have [MaxPayloadSize].
func MaxPayload(cmd string) uint32 {
	if t, ok := messageTypes[cmd]; ok {
		return t.limit
	}
	return MaxPayloadSize
}

// Decode reads the payload of the message cmd. The message holds views into
// payload, which must not change afterwards. A command that is not known
// gives a [*MsgUnknown]. Errors are [*DecodeError].
//
// Bytes after the last known field are ignored, as Bitcoin Core does, except
// in feature, where BIP434 forbids them, and in block, whose bytes are kept
// whole. What Decode allocates is at most a small multiple of the payload.
func Decode(cmd string, payload []byte) (Message, error) {
	t, ok := messageTypes[cmd]
	if !ok {
		if len(payload) > MaxPayloadSize {
			return nil, &DecodeError{What: "message", Reason: "payload is too large", Excess: true}
		}
		return &MsgUnknown{Cmd: cmd, Payload: payload}, nil
	}
	if len(payload) > int(t.limit) {
		return nil, &DecodeError{What: cmd, Reason: "payload of " + strconv.Itoa(len(payload)) + " bytes is too large", Excess: true}
	}
	m, c := t.make(), NewCursor(payload, cmd)
	m.decode(&c)
	if c.err != nil {
		return nil, c.err
	}
	return m, nil
}

// MsgUnknown is a message whose command this package does not know. It is to
// be ignored, and never answered.
type MsgUnknown struct {
	Cmd     string
	Payload []byte
}

// Command implements [Message].
func (m *MsgUnknown) Command() string { return m.Cmd }

// AppendPayload implements [Message].
func (m *MsgUnknown) AppendPayload(dst []byte) []byte { return append(dst, m.Payload...) }
