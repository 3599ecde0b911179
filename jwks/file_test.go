//go:build unix

package jwks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerproof/bearerproof/testdata"
	"github.com/bearerproof/bearerproof/verifier"
)

// secretText stands for content of a file, which must not come back in an error or a log.
const secretText = "S3CRET-MARKER"

// publicSet is a JWK set of testdata's keys, under their names as kids.
func publicSet(names ...string) []byte {
	var keys [][]byte
	for _, name := range names {
		keys = append(keys, testdata.PublicJWK(name))
	}
	return fmt.Appendf(nil, `{"keys":[%s]}`, bytes.Join(keys, []byte(",")))
}

// keyFile is a File under test, its path, and what it logs and tells.
type keyFile struct {
	*testing.T
	*File
	log  *lockedBuffer
	told *eventList
}

// following runs a test of a File in a bubble of virtual time. The file has the key
// p-256.
func following(t *testing.T, o FileOptions, test func(k *keyFile)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "keys.json")
		writeFile(t, path, publicSet("p-256"))
		test(openFile(t, path, o))
	})
}

func openFile(t *testing.T, path string, o FileOptions) *keyFile {
	t.Helper()
	k := &keyFile{T: t, log: &lockedBuffer{}, told: &eventList{}}
	o.Logger, o.Observer = slog.New(slog.NewTextHandler(k.log, nil)), k.told
	var err error
	if k.File, err = NewFile(path, &o); err != nil {
		t.Fatal(err)
	}
	return k
}

// has asks for a key by its kid, for ES256.
func (k *keyFile) has(kid string) bool {
	k.Helper()
	keys, err := k.Keys(k.Context(), kid, verifier.ES256)
	if err != nil {
		k.Errorf("kid %q: %v", kid, err)
	}
	return len(keys) > 0
}

// want asks for a key, and lets a look in the background end.
func (k *keyFile) want(kid string, want bool) {
	k.Helper()
	if got := k.has(kid); got != want {
		k.Errorf("kid %q is found: %v, want %v", kid, got, want)
	}
	synctest.Wait()
}

// wantUnavailable asks for a key that nobody can tell of now.
func (k *keyFile) wantUnavailable(kid string) *verifier.Error {
	k.Helper()
	keys, err := k.Keys(k.Context(), kid, verifier.ES256)
	e, ok := errors.AsType[*verifier.Error](err)
	if !ok || e.Kind != verifier.ErrKeysUnavailable || len(keys) > 0 {
		k.Fatalf("kid %q: %d keys and error %v, want keys unavailable", kid, len(keys), err)
	}
	return e
}

// looks counts how often the file has been read, NewFile's own time left out.
func (k *keyFile) looks() int { return k.told.count("FetchFinished") }

// logged counts the lines of the log that contain a text.
func (k *keyFile) logged(text string) int { return strings.Count(k.log.String(), text) }

func writeFile(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// replace renames another file to the path.
func replace(t testing.TB, path string, data []byte) {
	t.Helper()
	writeFile(t, path+".new", data)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

type lockedBuffer struct {
	mu   sync.Mutex // guards what follows
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// eventList remembers what an Observer is told.
type eventList struct {
	NopObserver
	mu   sync.Mutex // guards what follows
	list []any
}

func (l *eventList) add(e any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, e)
}

func (l *eventList) FetchStarted(e FetchStarted)   { l.add(e) }
func (l *eventList) FetchFinished(e FetchFinished) { l.add(e) }
func (l *eventList) LookUpRefused(e LookUpRefused) { l.add(e) }
func (l *eventList) KeyAdded(e KeyEvent)           { l.add("added " + e.Key.ID) }
func (l *eventList) KeyRemoved(e KeyEvent)         { l.add("removed " + e.Key.ID) }
func (l *eventList) KeyChanged(e KeyEvent)         { l.add("changed " + e.Key.ID) }
func (l *eventList) KeySkipped(e KeySkipped)       { l.add("skipped " + e.Key.ID) }

// take returns the events so far, and forgets them.
func (l *eventList) take() []any {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.list
	l.list = nil
	return list
}

// count counts the events of a type.
func (l *eventList) count(name string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, e := range l.list {
		if reflect.TypeOf(e).Name() == name {
			n++
		}
	}
	return n
}

// hang has each read of the file wait until what is returned is called.
func (k *keyFile) hang() (release func()) {
	released := make(chan struct{})
	read := k.read
	k.read = func(path string) ([]byte, error) {
		<-released
		return read(path)
	}
	return sync.OnceFunc(func() { close(released) })
}

// badFiles make a path one that NewFile refuses, with a part of the reason.
var badFiles = map[string]struct {
	make   func(t *testing.T, path string)
	reason string
}{
	"missing":       {func(*testing.T, string) {}, "no such file"},
	"empty":         {content(""), "is not a JSON object"},
	"cut off":       {content(`{"keys":[{"kid":"` + secretText), "is not a JSON object"},
	"no set":        {content(`{"kty":"` + secretText + `"}`), "no member called keys"},
	"no usable key": {content(`{"keys":[{"kty":"oct","kid":"` + secretText + `","k":"c2VjcmV0"}]}`), "no usable key among 1"},
	"too long":      {content(strings.Repeat(" ", maxSetBytes+1)), "longer than 1048576 bytes"},
	"directory": {func(t *testing.T, path string) {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}, "not a regular file"},
	"named pipe": {func(t *testing.T, path string) {
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}, "not a regular file"},
	"device":        {linkTo("/dev/zero"), "not a regular file"},
	"dangling link": {linkTo("nowhere"), "no such file"},
	"circular link": {linkTo("keys.json"), "too many levels of symbolic links"},
	"path through a file": {func(t *testing.T, path string) {
		writeFile(t, filepath.Dir(path), nil)
	}, "not a directory"},
}

func content(text string) func(*testing.T, string) {
	return func(t *testing.T, path string) { writeFile(t, path, []byte(text)) }
}

func linkTo(target string) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNewFileRefusesABadFileAndNamesPathAndReason(t *testing.T) {
	for name, test := range badFiles {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keys.json")
			if name == "path through a file" {
				path = filepath.Join(path, "keys.json")
			}
			test.make(t, path)
			_, err := NewFile(path, nil)
			if err == nil {
				t.Fatal("accepted")
			}
			text := err.Error()
			if !strings.HasPrefix(text, "jwks: ") || strings.Count(text, path) != 1 || !strings.Contains(text, test.reason) {
				t.Errorf("error %q, want the path once and %q", text, test.reason)
			}
			if strings.Contains(text, secretText) || strings.Count(text, "jwks: ") != 1 {
				t.Errorf("error %q", text)
			}
		})
	}
}

func TestNewFileSaysWithErrorsIsThatThereIsNoFile(t *testing.T) {
	if _, err := NewFile(filepath.Join(t.TempDir(), "no.json"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestNewFileRefusesWhatItMayNotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	writeFile(t, path, publicSet("p-256"))
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	var err error
	asNobody(t, func() { _, err = NewFile(path, nil) })
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want permission denied for %s", err, path)
	}
}

// asNobody runs f without root's power to read and write everything. The tests of
// this package do not run in parallel.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	if err := syscall.Seteuid(65534); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Seteuid(0); err != nil {
			t.Fatal(err)
		}
	}()
	f()
}

func TestNewFileRefusesBadOptions(t *testing.T) {
	if _, err := NewFile("keys.json", &FileOptions{Interval: -1}); err == nil || !strings.Contains(err.Error(), "FileOptions.Interval") {
		t.Errorf("negative interval: %v", err)
	}
	if _, err := NewFile("", nil); err == nil || !strings.Contains(err.Error(), "path") {
		t.Errorf("empty path: %v", err)
	}
}

func TestFileServesItsKeysAndTellsThem(t *testing.T) {
	following(t, FileOptions{}, func(k *keyFile) {
		k.want("p-256", true)
		k.want("", true)
		status := k.Status()
		if !status.Usable || len(status.Keys) != 1 || status.Keys[0].ID != "p-256" || !status.FetchedAt.Equal(time.Now()) ||
			status.URL != "file://"+k.path || status.LastError != "" || !status.NextRefresh.Equal(time.Now().Add(10*time.Second)) {
			k.Errorf("status %+v", status)
		}
		if last := status.LastFetch; last.Cause != CauseCold || last.Outcome != OutcomeFetched || !last.Ended.Equal(time.Now()) || status.Fetching {
			k.Errorf("last read %+v", last)
		}
		if err := k.Ready(); err != nil {
			k.Error(err)
		}
		if got := k.told.take(); len(got) != 1 || got[0] != "added p-256" {
			k.Errorf("events %v", got)
		}
	})
}

func TestFileOfARelativePathStaysTheSameFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		t.Chdir(dir)
		writeFile(t, "keys.json", publicSet("p-256"))
		k := openFile(t, "keys.json", FileOptions{})
		t.Chdir(t.TempDir())
		replace(t, filepath.Join(dir, "keys.json"), publicSet("p-384"))
		time.Sleep(time.Minute)
		k.want("p-256", false)
	})
}

func TestFileIsReadOnceAnIntervalAndOnlyWhileTokensAsk(t *testing.T) {
	following(t, FileOptions{Interval: 20 * time.Second}, func(k *keyFile) {
		time.Sleep(time.Hour)
		if k.looks() != 0 {
			k.Error("the file is read though nobody asks")
		}
		for _, test := range []struct {
			after time.Duration
			looks int
		}{{0, 1}, {0, 1}, {20*time.Second - 1, 1}, {1, 2}, {0, 2}, {30 * time.Second, 3}, {10 * time.Second, 3}, {10 * time.Second, 4}} {
			time.Sleep(test.after)
			k.want("p-256", true)
			if k.looks() != test.looks {
				k.Errorf("%v later: %d reads, want %d", test.after, k.looks(), test.looks)
			}
		}
	})
}

func TestFilesDefaultIntervalIsTenSeconds(t *testing.T) {
	following(t, FileOptions{}, func(k *keyFile) {
		time.Sleep(10*time.Second - 1)
		if k.want("p-256", true); k.looks() != 0 {
			k.Error("read before 10 s")
		}
		time.Sleep(time.Nanosecond)
		if k.want("p-256", true); k.looks() != 1 {
			k.Error("not read after 10 s")
		}
	})
}

func TestFilesReadinessProbeHasItRead(t *testing.T) {
	following(t, FileOptions{}, func(k *keyFile) {
		replace(k, k.path, publicSet("p-384"))
		time.Sleep(10 * time.Second)
		if err := k.Ready(); err != nil {
			k.Error(err)
		}
		synctest.Wait()
		k.want("p-256", false)
	})
}

func TestFileThatIsReplacedReplacesTheSetWhole(t *testing.T) {
	for name, change := range map[string]func(t testing.TB, path string, data []byte){
		"by a rename": replace,
		"in place":    writeFile,
		"of the same size and time": func(t testing.TB, path string, data []byte) {
			old, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			// White space makes up for the difference in length.
			if len(data) > int(old.Size()) {
				t.Fatalf("%d bytes do not fit in %d", len(data), old.Size())
			}
			writeFile(t, path, append(data, bytes.Repeat([]byte(" "), int(old.Size())-len(data))...))
			if err := os.Chtimes(path, old.ModTime(), old.ModTime()); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "keys.json")
				writeFile(t, path, append(publicSet("p-256"), bytes.Repeat([]byte(" "), 1000)...))
				k := openFile(t, path, FileOptions{})
				k.told.take()
				change(t, path, bytes.ReplaceAll(publicSet("p-256", "ed25519"), []byte(`"kid":"p-256"`), []byte(`"kid":"another"`)))
				time.Sleep(10 * time.Second)
				k.want("p-256", true) // and has it read
				start := time.Now()
				if !k.Status().FetchedAt.Equal(start) {
					t.Errorf("status %+v", k.Status())
				}
				time.Sleep(time.Second)
				k.want("another", true)
				k.want("p-256", false)
				var keys []any
				for _, e := range k.told.take() {
					if text, ok := e.(string); ok {
						keys = append(keys, text)
					}
				}
				if fmt.Sprint(keys) != "[added another added ed25519 removed p-256]" {
					t.Errorf("events %v", keys)
				}
			})
		})
	}
}

func TestFileThatNobodyAskedForIsReadBeforeItIsUsed(t *testing.T) {
	following(t, FileOptions{}, func(k *keyFile) {
		replace(k, k.path, publicSet("p-384"))
		time.Sleep(20*time.Second - 1)
		k.want("p-256", true) // not idle yet, so the read is in the background
		replace(k, k.path, publicSet("p-256"))
		time.Sleep(20 * time.Second)
		k.want("p-384", false) // as idle as can be
		replace(k, k.path, publicSet("p-384"))
		time.Sleep(20 * time.Second)
		k.want("p-256", false)
		if status := k.Status(); status.LastFetch.Cause != CauseIdle {
			k.Errorf("status %+v", status)
		}
	})
}

func TestRequestAfterIdlingWaitsForAFileSystemThatHangsForASecond(t *testing.T) {
	following(t, FileOptions{}, func(k *keyFile) {
		release := k.hang()
		defer release()
		time.Sleep(20 * time.Second)
		for _, want := range []time.Duration{time.Second, 0} {
			start := time.Now()
			if !k.has("p-256") || time.Since(start) != want {
				k.Errorf("a token waited for %v, want %v", time.Since(start), want)
			}
		}
	})
}

func TestFileThatIsConfirmedIsNotReadAnew(t *testing.T) {
	following(t, FileOptions{}, func(k *keyFile) {
		k.told.take()
		made := time.Now()
		time.Sleep(15 * time.Second)
		k.want("p-256", true)
		time.Sleep(5 * time.Second)
		status := k.Status()
		if !status.FetchedAt.Equal(made) || status.LastFetch.Outcome != OutcomeUnchanged || status.AgeSeconds != 5 {
			k.Errorf("status %+v", status)
		}
		got := k.told.take()
		want := []any{
			FetchStarted{k.path, CauseScheduled},
			FetchFinished{Source: k.path, Cause: CauseScheduled, Outcome: OutcomeUnchanged, URL: k.url, Used: 1},
		}
		if !reflect.DeepEqual(got, want) {
			k.Errorf("events %+v, want %+v", got, want)
		}
	})
}

// mount is a directory as the kubelet writes a ConfigMap: keys.json is a link into
// ..data, which is a link to the directory of one version, and is renamed over.
type mount struct {
	t       testing.TB
	dir     string
	version int
}

func (m *mount) publish(data []byte) {
	m.t.Helper()
	m.version++
	version := fmt.Sprintf("..version-%d", m.version)
	must(m.t, os.Mkdir(filepath.Join(m.dir, version), 0o700))
	writeFile(m.t, filepath.Join(m.dir, version, "keys.json"), data)
	must(m.t, os.Symlink(version, filepath.Join(m.dir, "..data_tmp")))
	must(m.t, os.Rename(filepath.Join(m.dir, "..data_tmp"), filepath.Join(m.dir, "..data")))
	if m.version == 1 {
		must(m.t, os.Symlink(filepath.Join("..data", "keys.json"), m.path()))
		return
	}
	// Late, so that no reader is on its way into a directory that goes.
	must(m.t, os.RemoveAll(filepath.Join(m.dir, fmt.Sprintf("..version-%d", m.version-10))))
}

func (m *mount) path() string { return filepath.Join(m.dir, "keys.json") }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestFileFollowsAMountWhoseLinksAreSwapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mount{t: t, dir: t.TempDir()}
		m.publish(publicSet("p-256"))
		k := openFile(t, m.path(), FileOptions{})
		m.publish([]byte(strings.ReplaceAll(string(publicSet("p-256")), `"kid":"p-256"`, `"kid":"next"`)))
		time.Sleep(time.Second)
		k.want("next", true)
		k.want("p-256", false)
		if k.logged("level=WARN") != 0 {
			t.Errorf("log %s", k.log)
		}
	})
}

func TestUnknownKidHasTheFileReadAtOnceAndOnceASecond(t *testing.T) {
	following(t, FileOptions{}, func(k *keyFile) {
		renamed := func(kid string) {
			replace(k, k.path, bytes.ReplaceAll(publicSet("p-256"), []byte(`"kid":"p-256"`), fmt.Appendf(nil, `"kid":%q`, kid)))
		}
		renamed("second")
		k.want("second", false) // NewFile has read the file less than a second ago
		time.Sleep(time.Second)
		k.want("second", true)
		renamed("third")
		for range 100 {
			k.want("third", false)
		}
		if k.looks() != 1 {
			k.Errorf("%d reads within a second", k.looks())
		}
		time.Sleep(time.Second - 1)
		k.want("third", false)
		time.Sleep(time.Nanosecond)
		k.want("third", true)
		if k.looks() != 2 {
			k.Errorf("%d reads", k.looks())
		}
		if n := k.told.count("LookUpRefused"); n != 0 {
			k.Errorf("%d look-ups refused, though the file was read a moment ago", n)
		}
	})
}

func TestUnknownKidsCostOneReadASecondWhateverTheirNumber(t *testing.T) {
	following(t, FileOptions{}, func(k *keyFile) {
		for i := range 5000 {
			k.want(fmt.Sprint("random-", i), false)
			time.Sleep(2 * time.Millisecond)
		}
		if n := k.looks(); n != 9 && n != 10 {
			k.Errorf("%d reads in 10 s", n)
		}
	})
}

func TestIntervalBelowASecondCountsForUnknownKidsToo(t *testing.T) {
	following(t, FileOptions{Interval: time.Millisecond}, func(k *keyFile) {
		for range 3 {
			time.Sleep(time.Millisecond)
			k.want("unknown", false)
		}
		if k.looks() != 3 {
			k.Errorf("%d reads", k.looks())
		}
	})
}

func TestUnknownKidThatJoinsAReadBegunBeforeHasAnotherOneMade(t *testing.T) {
	following(t, FileOptions{}, func(k *keyFile) {
		// The read that is under way has seen the old content.
		var reads atomic.Int32
		k.read = func(path string) ([]byte, error) {
			data, err := readKeyFile(path)
			if reads.Add(1) == 1 {
				time.Sleep(2 * time.Second)
			}
			return data, err
		}
		time.Sleep(10 * time.Second)
		k.has("p-256")
		time.Sleep(time.Second)
		replace(k, k.path, bytes.ReplaceAll(publicSet("p-256"), []byte(`"kid":"p-256"`), []byte(`"kid":"next"`)))
		k.want("next", true)
		if reads.Load() != 2 {
			k.Errorf("%d reads", reads.Load())
		}
	})
}

func TestRecheckHasTheFileReadOnceASecond(t *testing.T) {
	for name, test := range map[string]struct {
		old, changed string
		ask          func(k *keyFile)
	}{
		"told by the verifier": {"p-256", "p-384", func(k *keyFile) { k.Recheck() }},
		"a kid without a key for the algorithm": {"p-384", "p-256", func(k *keyFile) {
			if k.has("a") {
				k.Error("a key for another algorithm is found")
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				under := func(name string) []byte {
					return bytes.ReplaceAll(publicSet(name), fmt.Appendf(nil, `"kid":%q`, name), []byte(`"kid":"a"`))
				}
				path := filepath.Join(t.TempDir(), "keys.json")
				writeFile(t, path, under(test.old))
				k := openFile(t, path, FileOptions{})
				before := k.Status().Keys[0].Thumbprint
				replace(t, path, under(test.changed))
				if test.ask(k); k.looks() != 0 {
					t.Error("read within a second")
				}
				synctest.Wait()
				time.Sleep(time.Second)
				test.ask(k)
				synctest.Wait()
				if k.looks() != 1 || k.Status().Keys[0].Thumbprint == before {
					t.Errorf("%d reads, status %+v", k.looks(), k.Status())
				}
			})
		})
	}
}

func TestBadEditKeepsTheLastGoodSet(t *testing.T) {
	for name, test := range badFiles {
		if name == "path through a file" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			following(t, FileOptions{}, func(k *keyFile) {
				must(t, os.Remove(k.path))
				test.make(t, k.path)
				for range 5 {
					time.Sleep(10 * time.Second)
					k.want("p-256", true)
				}
				status := k.Status()
				if !status.Usable || status.Failures != 5 || status.LastFetch.Outcome != OutcomeFailed || status.AgeSeconds != 50 || !strings.Contains(status.LastError, test.reason) {
					t.Errorf("status %+v", status)
				}
				if n := k.logged("fetching the key set failed"); n != 1 || k.told.count("FetchFinished") != 5 {
					t.Errorf("logged %d times:\n%s", n, k.log)
				}
				if strings.Contains(k.log.String()+status.LastError, secretText) {
					t.Errorf("content in the log or the status:\n%s", k.log)
				}
				if err := k.Ready(); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second)
				if e := k.wantUnavailable("unknown"); !strings.Contains(e.Error(), test.reason) {
					t.Errorf("error %v", e)
				}

				must(t, os.RemoveAll(k.path))
				writeFile(t, k.path, publicSet("p-256"))
				time.Sleep(10 * time.Second)
				k.want("p-256", true)
				if status := k.Status(); status.Failures != 0 || status.LastError != "" || status.AgeSeconds != 0 {
					t.Errorf("after the recovery: %+v", status)
				}
				if k.logged("can be fetched again") != 1 || k.logged("a key was") != 1 {
					t.Errorf("log\n%s", k.log)
				}
			})
		})
	}
}

func TestEachDistinctFailureOfAFileIsLogged(t *testing.T) {
	following(t, FileOptions{}, func(k *keyFile) {
		fail := func(change func()) {
			change()
			for range 3 {
				time.Sleep(10 * time.Second)
				k.want("p-256", true)
			}
		}
		fail(func() { writeFile(k, k.path, nil) })
		fail(func() { must(k, os.Remove(k.path)) })
		fail(func() { writeFile(k, k.path, nil) })
		if k.logged("fetching the key set failed") != 3 {
			k.Errorf("log\n%s", k.log)
		}
	})
}

func TestUnknownKidWhileTheFileIsBadIsUnavailable(t *testing.T) {
	following(t, FileOptions{}, func(k *keyFile) {
		writeFile(k, k.path, []byte("{"))
		time.Sleep(time.Second)
		if e := k.wantUnavailable("unknown"); e.RetryAfter != time.Second {
			k.Errorf("retry after %v", e.RetryAfter)
		}
		time.Sleep(300 * time.Millisecond)
		if e := k.wantUnavailable("unknown"); e.RetryAfter != 700*time.Millisecond || k.looks() != 1 {
			k.Errorf("retry after %v, %d reads", e.RetryAfter, k.looks())
		}
		if n := k.told.count("LookUpRefused"); n != 1 { // the first was looked up
			k.Errorf("%d look-ups refused", n)
		}
		time.Sleep(700 * time.Millisecond)
		writeFile(k, k.path, publicSet("p-256"))
		k.want("unknown", false)
	})
}

func TestFileSystemThatHangsDelaysNoTokenWhoseKidIsHeld(t *testing.T) {
	following(t, FileOptions{}, func(k *keyFile) {
		release := k.hang()
		defer release()
		replace(k, k.path, publicSet("p-384"))
		start := time.Now()
		for range 100 {
			time.Sleep(10 * time.Second)
			asked := time.Now()
			if !k.has("p-256") || time.Since(asked) != 0 {
				k.Fatalf("a token waited for %v", time.Since(asked))
			}
			k.Recheck()
			must(k, k.Ready())
		}
		synctest.Wait()
		if n := k.told.count("FetchStarted"); n != 1 {
			k.Errorf("%d reads at the same time", n)
		}
		if status := k.Status(); !strings.Contains(status.LastError, "longer than 5s") || !status.Fetching || status.AgeSeconds != int(time.Since(start).Seconds()) {
			k.Errorf("status %+v", status)
		}
		if k.logged("does not end") != 1 {
			k.Errorf("log\n%s", k.log)
		}
		release()
		synctest.Wait()
		k.want("p-256", false)
		if k.Status().LastError != "" {
			k.Errorf("status %+v", k.Status())
		}
	})
}

func TestUnknownKidWaitsForAFileSystemThatHangsForFiveSeconds(t *testing.T) {
	following(t, FileOptions{}, func(k *keyFile) {
		release := k.hang()
		defer release()
		time.Sleep(time.Second)
		waits := func(want time.Duration) {
			k.Helper()
			start := time.Now()
			if k.wantUnavailable("unknown"); time.Since(start) != want {
				k.Errorf("waited for %v, want %v", time.Since(start), want)
			}
		}
		waits(5 * time.Second)
		waits(0)
		time.Sleep(time.Hour)
		waits(0)
		e, ok := k.told.take()[2].(LookUpRefused)
		if !ok || e.Reason != RefusedSlow || verifier.KindOf(e.Answer) != verifier.ErrKeysUnavailable {
			k.Errorf("event %+v", e)
		}
	})
}

func TestUnknownKidThatJoinsASlowReadWaitsForTheRestOfFiveSeconds(t *testing.T) {
	following(t, FileOptions{}, func(k *keyFile) {
		release := k.hang()
		defer release()
		time.Sleep(10 * time.Second)
		k.has("p-256")
		time.Sleep(3 * time.Second)
		start := time.Now()
		if k.wantUnavailable("unknown"); time.Since(start) != 2*time.Second {
			k.Errorf("waited for %v", time.Since(start))
		}
	})
}

func TestRequestThatGivesUpGetsItsOwnContextsErrorAndLeavesTheReadAlone(t *testing.T) {
	following(t, FileOptions{}, func(k *keyFile) {
		release := k.hang()
		defer release()
		replace(k, k.path, bytes.ReplaceAll(publicSet("p-256"), []byte(`"kid":"p-256"`), []byte(`"kid":"next"`)))
		time.Sleep(time.Second)
		ctx, stop := context.WithTimeout(k.Context(), time.Second)
		defer stop()
		start := time.Now()
		if _, err := k.Keys(ctx, "next", verifier.ES256); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			k.Errorf("error %v after %v", err, time.Since(start))
		}
		if _, err := k.Keys(ctx, "next", verifier.ES256); !errors.Is(err, context.DeadlineExceeded) {
			k.Errorf("a context that has ended: %v", err)
		}
		release()
		synctest.Wait()
		k.want("next", true)
		if k.looks() != 1 {
			k.Errorf("%d reads", k.looks())
		}
	})
}

func TestRequestWhoseContextHasEndedHasNothingRead(t *testing.T) {
	following(t, FileOptions{}, func(k *keyFile) {
		time.Sleep(time.Second)
		ctx, stop := context.WithCancel(k.Context())
		stop()
		if _, err := k.Keys(ctx, "unknown", verifier.ES256); !errors.Is(err, context.Canceled) {
			k.Errorf("error %v", err)
		}
		synctest.Wait()
		if k.looks() != 0 {
			k.Error("the file is read")
		}
	})
}

func TestAtMost1024RequestsWaitForAFile(t *testing.T) {
	following(t, FileOptions{}, func(k *keyFile) {
		release := k.hang()
		defer release()
		time.Sleep(time.Second)
		var waiting sync.WaitGroup
		for i := range 1024 {
			waiting.Go(func() {
				if k.has(fmt.Sprint("unknown-", i)) {
					k.Error("found")
				}
			})
		}
		synctest.Wait()
		start := time.Now()
		if k.has("unknown") || time.Since(start) != 0 {
			k.Errorf("one more waited for %v", time.Since(start))
		}
		if got, want := k.told.take()[2:], (LookUpRefused{Source: k.path, Reason: RefusedWaiting}); len(got) != 1 || got[0] != want {
			k.Errorf("events %+v, want %+v", got, want)
		}
		release()
		waiting.Wait()
	})
}

// slowObserver takes its time over the first read.
type slowObserver struct {
	eventList
	hold chan struct{}
}

func (o *slowObserver) FetchFinished(e FetchFinished) {
	if e.Outcome == OutcomeFetched {
		<-o.hold
	}
	o.eventList.FetchFinished(e)
}

func TestObserverOfAFileThatIsSlowDelaysNobodyAndHearsOfReadsInOrder(t *testing.T) {
	following(t, FileOptions{}, func(k *keyFile) {
		slow := &slowObserver{hold: make(chan struct{})}
		k.observers[1] = slow
		replace(k, k.path, bytes.ReplaceAll(publicSet("p-256"), []byte(`"kid":"p-256"`), []byte(`"kid":"next"`)))
		time.Sleep(time.Second)
		start := time.Now()
		k.want("next", true)
		time.Sleep(10 * time.Second)
		k.want("next", true)
		if time.Since(start) != 10*time.Second {
			k.Errorf("it took %v", time.Since(start))
		}
		close(slow.hold)
		synctest.Wait()
		var ended []string
		for _, e := range slow.take() {
			switch e := e.(type) {
			case FetchFinished:
				ended = append(ended, string(e.Outcome))
			case string:
				ended = append(ended, e)
			}
		}
		if got := strings.Join(ended, ", "); got != "fetched, added next, removed p-256, unchanged" {
			k.Errorf("told %s", got)
		}
	})
}

func TestObserverOfAFileThatHangsLeavesNoGoroutinesBehindAndIsToldHowItEnded(t *testing.T) {
	following(t, FileOptions{}, func(k *keyFile) {
		slow := &slowObserver{hold: make(chan struct{})}
		k.observers[1] = slow
		ask := func(seconds int) {
			for i := range seconds {
				time.Sleep(time.Second)
				_, _ = k.Keys(k.Context(), fmt.Sprint("unknown-", i), verifier.ES256)
			}
		}
		for i := range 10 {
			kid := fmt.Appendf(nil, `"kid":"next-%d"`, i)
			replace(k, k.path, bytes.ReplaceAll(publicSet("p-256"), []byte(`"kid":"p-256"`), kid))
			ask(10)
		}
		replace(k, k.path, []byte("{}"))
		ask(100)
		if n := goroutinesOf("(*File)"); n != 1 {
			k.Errorf("%d goroutines of 200 reads", n)
		}
		close(slow.hold)
		synctest.Wait()
		var last FetchFinished
		reads := 0
		held := map[string]bool{"p-256": true}
		for _, e := range slow.take() {
			switch e := e.(type) {
			case FetchFinished:
				last = e
				reads++
			case string:
				what, kid, _ := strings.Cut(e, " ")
				if held[kid] = what == "added"; !held[kid] {
					delete(held, kid)
				}
			}
		}
		if reads != 17 || last.Outcome != OutcomeFailed || last.Failures != 100 {
			k.Errorf("told of %d reads, the last of them %+v", reads, last)
		}
		if len(held) != 1 || !held["next-9"] {
			k.Errorf("by what was told the keys are %v", held)
		}
		// The first of the failures was not told, and the log does not miss it.
		if n, m := k.logged("fetching the key set failed"), k.logged("does not end"); n != 1 || m != 0 {
			k.Errorf("logged %d and %d times:\n%s", n, m, k.log)
		}
	})
}

func TestFileRunsNoGoroutineWhileIdle(t *testing.T) {
	following(t, FileOptions{}, func(k *keyFile) {
		release := k.hang()
		time.Sleep(10 * time.Second)
		k.has("p-256")
		synctest.Wait()
		if n := goroutinesOf("(*File)"); n != 1 {
			k.Errorf("%d goroutines while the file is read", n)
		}
		release()
		for i := range 100 {
			time.Sleep(5 * time.Second)
			k.want("p-256", true)
			k.want(fmt.Sprint("unknown-", i), false)
			k.Recheck()
			synctest.Wait()
		}
		if n := goroutinesOf("(*File)"); n != 0 {
			k.Errorf("%d goroutines while nobody asks", n)
		}
	})
}

// goroutinesOf counts the goroutines in or started by methods of a type.
func goroutinesOf(receiver string) int {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	n := 0
	for stack := range bytes.SplitSeq(stacks, []byte("\n\n")) {
		if bytes.Contains(stack, []byte("jwks."+receiver)) {
			n++
		}
	}
	return n
}

func TestReadersOfAFileThatIsSwappedGetEveryAnswerFromAWholeSet(t *testing.T) {
	m := &mount{t: t, dir: t.TempDir()}
	// Every version has this kid, once for ES256 and once for EdDSA.
	versions := [][]byte{
		bytes.ReplaceAll(bytes.ReplaceAll(publicSet("p-256", "ed25519"), []byte(`"kid":"p-256"`), []byte(`"kid":"a"`)), []byte(`"kid":"ed25519"`), []byte(`"kid":"a"`)),
		bytes.ReplaceAll(bytes.ReplaceAll(publicSet("rsa-2048", "p-256", "ed25519"), []byte(`"kid":"p-256"`), []byte(`"kid":"a"`)), []byte(`"kid":"ed25519"`), []byte(`"kid":"a"`)),
	}
	m.publish(versions[0])
	k := openFile(t, m.path(), FileOptions{Interval: time.Nanosecond})
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	var answers atomic.Int64
	for range 4 {
		readers.Go(func() {
			for ctx.Err() == nil {
				for kid, want := range map[string]int{"a": 1, "": 1, "unknown": 0} {
					keys, err := k.Keys(t.Context(), kid, verifier.ES256)
					if err != nil || len(keys) != want {
						t.Errorf("kid %q: %d keys, error %v", kid, len(keys), err)
						return
					}
					answers.Add(1)
				}
				k.Recheck()
				if status := k.Status(); len(status.Keys) != 2 && len(status.Keys) != 3 || status.LastError != "" {
					t.Errorf("status %+v", status)
					return
				}
			}
		})
	}
	for i := range 200 {
		swapped := answers.Load()
		m.publish(versions[(i+1)%2])
		for answers.Load() == swapped && !t.Failed() {
			runtime.Gosched()
		}
	}
	stop()
	readers.Wait()
	if k.logged("level=WARN") != 0 {
		t.Errorf("log\n%s", k.log)
	}
	if k.told.count("FetchFinished") < 10 {
		t.Errorf("%d reads", k.told.count("FetchFinished"))
	}
	waitForLook(k.File)
}

// waitForLook waits until no look is under way.
func waitForLook(f *File) {
	f.mu.Lock()
	l := f.look
	f.mu.Unlock()
	if l != nil {
		<-l.landed
	}
}
