package jsonrpc

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

const (
	// CookieFile is the name of the file, in the data directory, that lets
	// whoever may read it call the node.
	CookieFile = ".cookie"
	// cookieUser is the user name that goes with the cookie.
	cookieUser = "__cookie__"
	// cookieBytes is the length of the cookie's secret: 256 bits.
	cookieBytes = 32
)

// credentials are the users that may call, as digests so that comparing them
// takes the same time whatever their length.
type credentials struct {
	users []digest
}

// digest stands for a user and password.
type digest [2][sha256.Size]byte

func newDigest(user, password string) digest {
	return digest{sha256.Sum256([]byte(user)), sha256.Sum256([]byte(password))}
}

func (c *credentials) add(user, password string) {
	c.users = append(c.users, newDigest(user, password))
}

// allow reports whether a user and password are known. It looks at every known
// user whether or not one has matched already.
func (c *credentials) allow(d digest) bool {
	match := 0
	for i := range c.users {
		match |= subtle.ConstantTimeCompare(c.users[i][0][:], d[0][:]) & subtle.ConstantTimeCompare(c.users[i][1][:], d[1][:])
	}
	return match == 1
}

// admit returns the HTTP status of a request as far as its sender is concerned.
func (s *Server) admit(r *http.Request) (status int) {
	v := visitorOf(r.Context())
	s.door.ask(v)
	user, password, ok := r.BasicAuth()
	if !ok {
		return http.StatusUnauthorized
	}
	d := newDigest(user, password)
	right := func() bool { return s.auth.allow(d) }
	// Nobody guesses the cookie; so whoever has it need not wait behind those
	// who guess passwords, nor does a connection that is known.
	if !s.door.knows(v, d) && !(user == cookieUser && right()) && !s.guesses.guess(r.Context(), v.serving, v.source, right) {
		s.log.Warn("wrong password", "from", r.RemoteAddr)
		return http.StatusUnauthorized
	}
	leaves, ok := s.door.know(v, d)
	if leaves != nil {
		leaves.close()
	}
	if !ok {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

// hostName returns the name in a Host header as names are compared.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// isOwnHost reports whether a name that a client calls the server by is one
// that nobody else could have pointed at it. A browser tells which name its
// page was loaded by, and any name can be made to lead here. Programs of the
// time before HTTP 1.1 tell none.
func (s *Server) isOwnHost(name string) bool {
	_, allowed := s.hosts[name]
	_, err := netip.ParseAddr(name)
	return allowed || err == nil || name == "localhost" || name == ""
}

// writeCookie makes a new cookie file, which only its owner may read, and
// returns the secret.
func writeCookie(path string) (string, error) {
	var b [cookieBytes]byte
	rand.Read(b[:]) // never fails
	secret := hex.EncodeToString(b[:])
	// A temporary file that is renamed is never seen half written, and its
	// mode is right from the start whatever stood there before.
	f, err := os.CreateTemp(filepath.Dir(path), CookieFile+".*")
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(cookieUser + ":" + secret)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return secret, nil
}

// removeCookie deletes the cookie file if it still holds our secret, and not
// one that another node has written since.
func removeCookie(path, secret string) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && string(b) != cookieUser+":"+secret {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Remove(path)
}

// ReadCookie returns the user and password in a cookie file.
func ReadCookie(path string) (user, password string, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", "", err
	}
	user, password, ok := strings.Cut(strings.TrimSpace(string(b)), ":")
	if !ok {
		return "", "", errors.New(path + " is not a cookie file")
	}
	return user, password, nil
}
