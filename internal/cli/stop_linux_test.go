package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"starling/internal/cli/cmdkit"
)

// pty returns the two ends of a new terminal.
func pty(t *testing.T) (master, tty *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("this machine gives no pseudo-terminal, and the test is of what one shows: ", err)
	}
	// Not by Fd, after which a read would keep it from being closed.
	raw, err := master.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var n uint32
	var errN, errLock error
	err = raw.Control(func(fd uintptr) {
		n, errN = unix.IoctlGetUint32(int(fd), unix.TIOCGPTN)
		errLock = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0)
	})
	if err = errors.Join(err, errN, errLock); err == nil {
		tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(errors.Join(err, master.Close()))
	}
	t.Cleanup(func() { master.Close(); tty.Close() })
	return master, tty
}

// seen is what a program has printed on a terminal.
type seen struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func watch(master *os.File) *seen {
	s := &seen{more: make(chan struct{}, 1)}
	go func() {
		b := make([]byte, 1024)
		for {
			n, err := master.Read(b)
			s.mu.Lock()
			s.text.Write(b[:n])
			s.mu.Unlock()
			select {
			case s.more <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	}()
	return s
}

func (s *seen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// wait waits until a text is there.
func (s *seen) wait(t *testing.T, text string) {
	t.Helper()
	late := time.After(time.Minute)
	for !strings.Contains(s.String(), text) {
		select {
		case <-s.more:
		case <-late:
			t.Fatalf("%q did not come; there is %q", text, s)
		}
	}
}

// onTerminal starts this program with a terminal of its own, and returns what
// is seen there.
func onTerminal(t *testing.T, home string, args ...string) (cmd *exec.Cmd, master, tty *os.File, s *seen) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(home, "starling") // the name by which the test program is this one
	if err := os.Symlink(exe, link); err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
	master, tty = pty(t)
	cmd = exec.Command(link, args...)
	cmd.Env = append(os.Environ(), "HOME="+home, "TMPDIR="+filepath.Join(home, "tmp"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := errors.Join(os.MkdirAll(filepath.Join(home, "tmp"), 0o700), cmd.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	return cmd, master, tty, watch(master)
}

// TestInterruptPrompt presses Ctrl-C where something is to be typed. The command
// ends at once and leaves the terminal as it was.
func TestInterruptPrompt(t *testing.T) {
	for _, tc := range []struct {
		about  string
		args   []string
		prompt string
		press  string
		code   int
	}{
		{"passphrase", []string{"wallet", "create", "--encrypt"}, "passphrase: ", "\x03", 130},
		{"passphrase, half typed", []string{"wallet", "create", "--encrypt"}, "passphrase: ", "secr\x03", 130},
		{"passphrase again", []string{"wallet", "create", "--encrypt"}, "passphrase again: ", "\x03", 130},
		{"seed phrase", []string{"wallet", "restore"}, "seed phrase: ", "\x03", 130},
		{"termination", []string{"wallet", "restore"}, "seed phrase: ", "", 143},
	} {
		t.Run(tc.about, func(t *testing.T) {
			home := t.TempDir()
			args := append(tc.args, "--network=regtest")
			cmd, master, tty, s := onTerminal(t, home, args...)
			before, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
			if err != nil {
				t.Fatal(err)
			}
			before.Lflag |= unix.ECHO // in case it is off already
			if strings.Contains(tc.prompt, "again") {
				s.wait(t, "passphrase: ")
				hidden(t, tty)
				io.WriteString(master, "secret\n")
			}
			s.wait(t, tc.prompt)
			hidden(t, tty)
			if tc.press == "" {
				err = cmd.Process.Signal(syscall.SIGTERM)
			} else {
				_, err = io.WriteString(master, tc.press)
			}
			if err != nil {
				t.Fatal(err)
			}
			err = cmd.Wait()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != tc.code {
				t.Errorf("%v, want exit code %d; seen: %q", err, tc.code, s)
			}
			after, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
			if err != nil || *after != *before {
				t.Errorf("the terminal was %+v and is %+v, %v", before, after, err)
			}
			if strings.Contains(s.String(), "secr") {
				t.Errorf("the secret is shown: %q", s)
			}
		})
	}
}

// TestAskWhenLocked needs a secret of an encrypted wallet at a terminal. The
// passphrase is asked for there, and only where it is needed.
func TestAskWhenLocked(t *testing.T) {
	home := t.TempDir()
	pass := filepath.Join(home, "pass.txt")
	if err := os.WriteFile(pass, []byte("hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args  string
		typed string
		code  int
		want  string
	}{
		{"wallet create --passphrase-file " + pass, "", 0, "Write its seed phrase down"},
		{"wallet balance", "", 0, "0.00000000"},
		{"wallet phrase", "wrong", cmdkit.ExitFailure, "the passphrase is wrong"},
		{"wallet phrase", "hush", 0, " "},
		{"wallet export", "", 0, "desc"},
		{"wallet export --private", "hush", 0, "tprv"},
	} {
		cmd, master, _, s := onTerminal(t, home, append(strings.Fields(tc.args), "--network=regtest")...)
		if tc.typed != "" {
			s.wait(t, "passphrase: ")
			io.WriteString(master, tc.typed+"\n")
		}
		err := cmd.Wait()
		s.wait(t, tc.want)
		if cmd.ProcessState.ExitCode() != tc.code {
			t.Errorf("%s: %v, want exit code %d; seen: %q", tc.args, err, tc.code, s)
		}
		if tc.typed == "" && strings.Contains(s.String(), "passphrase:") {
			t.Errorf("%s asks for what it does not need: %q", tc.args, s)
		}
	}
}

// TestConfirmReindex answers the question before a pruned node is reindexed.
func TestConfirmReindex(t *testing.T) {
	for _, tc := range []struct {
		press string
		code  int
		want  string
	}{
		{"n\n", cmdkit.ExitFailure, "nothing was done"},
		{"\n", cmdkit.ExitFailure, "nothing was done"},
		{"\x04", cmdkit.ExitFailure, "nothing was done"},
		{"\x03", 130, "interrupted"},
		{"yes\n", 0, "Reindexing"},
	} {
		home := t.TempDir()
		blocks := filepath.Join(home, ".starling", "regtest", "blocks")
		if err := errors.Join(os.MkdirAll(blocks, 0o700), os.WriteFile(filepath.Join(blocks, "blk00007.dat"), []byte("old"), 0o600)); err != nil {
			t.Fatal(err)
		}
		cmd, master, _, s := onTerminal(t, home, "node", "--network=regtest", "--reindex", "--rpc-listen=127.0.0.1:0", "--listen=127.0.0.1:0")
		s.wait(t, "[y/N] ")
		io.WriteString(master, tc.press)
		if tc.code == 0 {
			s.wait(t, "listening")
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		}
		err := cmd.Wait()
		s.wait(t, tc.want)
		if got := cmd.ProcessState.ExitCode(); got != tc.code {
			t.Errorf("%q: exit code %d, want %d (%v)", tc.press, got, tc.code, err)
		}
	}
}

// hidden waits until the terminal does not show what is typed.
func hidden(t *testing.T, tty *os.File) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(time.Millisecond) {
		s, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		if s.Lflag&unix.ECHO == 0 {
			return
		}
		if time.Since(begun) > time.Minute {
			t.Fatal("what is typed is shown")
		}
	}
}

// TestTerminalGoes takes the terminal away from programs that run on it. They
// stop cleanly and leave nothing behind.
func TestTerminalGoes(t *testing.T) {
	// Tests that run under nohup hand its deafness down; a signal that is
	// listened for here is heard there.
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for _, tc := range []struct {
		about, ready string
		args         []string
	}{
		{"node", "listening", []string{"node", "--network=regtest", "--listen=127.0.0.1:0", "--rpc-listen=127.0.0.1:0"}},
		{"devnet", "AT ADDRESS", []string{"devnet"}},
	} {
		t.Run(tc.about, func(t *testing.T) {
			home := t.TempDir()
			cmd, master, tty, s := onTerminal(t, home, tc.args...)
			s.wait(t, tc.ready)
			if err := errors.Join(tty.Close(), master.Close()); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v; seen: %q", err, s)
			}
			var left []string
			err := filepath.WalkDir(home, func(path string, d os.DirEntry, err error) error {
				switch name := filepath.Base(path); {
				case err != nil:
					return err
				case name == ".cookie", name == ".rpc", filepath.Dir(path) == filepath.Join(home, "tmp"), strings.HasPrefix(name, "control"):
					left = append(left, path)
				}
				return nil
			})
			if err != nil || left != nil {
				t.Errorf("%v is left behind, %v", left, err)
			}
		})
	}
}

// TestNohup has a node go on without its terminal, as it was told to.
func TestNohup(t *testing.T) {
	home := t.TempDir()
	cmd := exec.Command("sh", "-c", `trap "" HUP; exec "$@"`, "sh")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(home, "starling")
	if err := os.Symlink(exe, link); err != nil {
		t.Fatal(err)
	}
	cmd.Args = append(cmd.Args, link, "node", "--network=regtest", "--listen=0", "--rpc-listen=127.0.0.1:0", "--datadir="+filepath.Join(home, "data"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	ask := func(args ...string) string {
		out, err := exec.Command(link, append([]string{"rpc", "--wait", "--network=regtest", "--datadir=" + filepath.Join(home, "data")}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	ask("getblockcount")
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	ask("getblockcount")
	ask("stop")
	if err := cmd.Wait(); err != nil || strings.Contains(stderr.String(), "hangup") {
		t.Errorf("%v: %s", err, &stderr)
	}
}
