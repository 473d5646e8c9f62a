package rpc

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/http"
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
	users [][2][sha256.Size]byte
}

func (c *credentials) add(user, password string) {
	c.users = append(c.users, [2][sha256.Size]byte{sha256.Sum256([]byte(user)), sha256.Sum256([]byte(password))})
}

// allow reports whether the request carries a known user and password. It
// looks at every known user whether or not one has matched already.
func (c *credentials) allow(r *http.Request) bool {
	user, password, ok := r.BasicAuth()
	u, p := sha256.Sum256([]byte(user)), sha256.Sum256([]byte(password))
	match := 0
	for i := range c.users {
		match |= subtle.ConstantTimeCompare(c.users[i][0][:], u[:]) & subtle.ConstantTimeCompare(c.users[i][1][:], p[:])
	}
	return ok && match == 1
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
