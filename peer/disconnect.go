package peer

// Reason is why a session ended. It is an error, so that errors.Is finds it in
// a [Disconnect].
type Reason string

// The reasons for which a session ends.
const (
	// RemoteClosed: the other side ended the session.
	RemoteClosed Reason = "the other side closed the connection"
	// LinkLost: the link broke.
	LinkLost Reason = "the connection was lost"
	// Stopped: this node is stopping.
	Stopped Reason = "this node is stopping"
	// Requested: a person, or another part of this node, asked for it.
	Requested Reason = "the connection was no longer wanted"
	// Evicted: another peer has got its place.
	Evicted Reason = "it made room for another peer"
	// Surplus: this node has enough other links.
	Surplus Reason = "one connection more than needed"
	// Unanswered: what it was asked for did not come in time.
	Unanswered Reason = "what it was asked for did not come"
	// BadChain: its chain is none that this node will follow.
	BadChain Reason = "its chain is of no use"
	// NotServed: it asked for something that this node has not got, or may not send.
	NotServed Reason = "it asked for what this node does not serve"
	// AddrFetchDone: a node that was asked for addresses has told some.
	AddrFetchDone Reason = "addresses received"
	// Useless: the other side does not offer what this node needs.
	Useless Reason = "services not offered"
	// FeelerDone: a feeler has found out what it was sent for.
	FeelerDone Reason = "feeler completed"
	// SelfConnection: the node has reached itself.
	SelfConnection Reason = "connected to self"
	// Obsolete: the other side's protocol version is too old.
	Obsolete Reason = "protocol version too old"
	// HandshakeTimeout: the handshake took too long.
	HandshakeTimeout Reason = "handshake timed out"
	// HandshakeOrder: a message came before or after its time in the handshake.
	HandshakeOrder Reason = "message out of its place in the handshake"
	// PingTimeout: a ping was not answered.
	PingTimeout Reason = "ping timed out"
	// Silent: nothing was heard for too long.
	Silent Reason = "nothing heard for too long"
	// Stalled: a message began and made no progress, or was not taken.
	Stalled Reason = "a message made no progress"
	// QueueFull: the other side does not read what is sent.
	QueueFull Reason = "send queue full"
	// WrongNetwork: the other side belongs to another network.
	WrongNetwork Reason = "wrong network"
	// BadFrame: a frame was damaged or too large.
	BadFrame Reason = "bad message frame"
	// BadMessage: a message was beyond the limits of the protocol.
	BadMessage Reason = "message beyond the limits of the protocol"
	// Misbehaved: the handler found the other side breaking the rules.
	Misbehaved Reason = "misbehaved"
	// Failed: this side could not go on, through no fault of the other's.
	Failed Reason = "internal failure"
)

// Error returns the reason in words.
func (r Reason) Error() string { return string(r) }

// Disconnect is the error with which a session ends. [errors.Is] finds its
// Reason and its cause in it.
type Disconnect struct {
	Reason Reason
	// Detail says more, for a person. It may be empty.
	Detail string
	// Err is the error behind it, if there is one.
	Err error
}

// Error returns the reason and its details in one line.
func (d *Disconnect) Error() string {
	s := string(d.Reason)
	if d.Detail != "" {
		s += ": " + d.Detail
	}
	if d.Err != nil {
		s += ": " + d.Err.Error()
	}
	return s
}

// Unwrap returns the reason and the cause.
func (d *Disconnect) Unwrap() []error {
	if d.Err == nil {
		return []error{d.Reason}
	}
	return []error{d.Reason, d.Err}
}
