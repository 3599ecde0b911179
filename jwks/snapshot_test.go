//go:build unix

package jwks

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"weak"
)

const (
	ourIssuer  = "https://id.example.com/realms/a"
	ourURL     = "https://id.example.com/realms/a/keys"
	ourName    = ourIssuer + "\n" + ourURL
	otherName  = "https://other.example.com\n"
	tokenOfSet = `{"keys":[{"kty":"OKP","kid":"` + secretText + `"}]}`
)

var answered = time.Date(2026, 1, 2, 15, 4, 5, 123456789, time.UTC)

// claimed returns a Snapshot that has a source.
func claimed(t testing.TB, path string) *Snapshot {
	t.Helper()
	s := FileSnapshot(path)
	must(t, s.claim(ourName))
	return s
}

// savedSnapshot returns a Snapshot whose file holds a set, and its path.
func savedSnapshot(t testing.TB) (*Snapshot, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.snapshot")
	s := claimed(t, path)
	must(t, s.save(ourIssuer, ourURL, answered, []byte(tokenOfSet)))
	return s, path
}

// wantLoaded loads what must be there.
func wantLoaded(t testing.TB, s *Snapshot, set string, at time.Time) {
	t.Helper()
	got, when, err := s.load(ourIssuer, ourURL, answered.Add(time.Hour))
	if err != nil || string(got) != set || !when.Equal(at) {
		t.Errorf("loaded %q of %v, error %v; want %q of %v", got, when, err, set, at)
	}
}

// wantRefused loads what must not be used, for a reason.
func wantRefused(t testing.TB, s *Snapshot, reason string) error {
	t.Helper()
	set, _, err := s.load(ourIssuer, ourURL, answered.Add(time.Hour))
	if err == nil || set != nil {
		t.Fatalf("loaded %q", set)
	}
	if !strings.HasPrefix(err.Error(), "jwks: snapshot ") || !strings.Contains(err.Error(), reason) ||
		!strings.Contains(err.Error(), s.path) || strings.Contains(err.Error(), secretText) {
		t.Errorf("error %q, want the path, %q and no content", err, reason)
	}
	return err
}

// wantFiles compares the names in a directory.
func wantFiles(t testing.TB, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

func TestSnapshotIsLoadedAsItWasSaved(t *testing.T) {
	s, path := savedSnapshot(t)
	wantLoaded(t, s, tokenOfSet, answered)
	wantLoaded(t, FileSnapshot(path), tokenOfSet, answered) // the next process
	info, err := os.Lstat(path)
	must(t, err)
	if info.Mode() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	wantFiles(t, filepath.Dir(path), "keys.snapshot")
}

func TestSnapshotIsTextThatAnOperatorCanRead(t *testing.T) {
	_, path := savedSnapshot(t)
	text, err := os.ReadFile(path)
	must(t, err)
	for _, part := range []string{
		"bearerproof key set snapshot, version 1\n", "issuer \"" + ourIssuer + "\"\n", "url \"" + ourURL + "\"\n",
		"fetched 2026-01-02T15:04:05.123456789Z\n", "\n\n" + tokenOfSet + "\n",
	} {
		if !strings.Contains(string(text), part) {
			t.Errorf("%q is not in\n%s", part, text)
		}
	}
}

func TestSnapshotsTimeIsKeptWhateverItsZone(t *testing.T) {
	s, path := savedSnapshot(t)
	at := answered.Add(time.Minute).In(time.FixedZone("", 3600))
	must(t, s.save(ourIssuer, ourURL, at, []byte(tokenOfSet)))
	wantLoaded(t, s, tokenOfSet, at)
	text, err := os.ReadFile(path)
	must(t, err)
	if !bytes.Contains(text, []byte("fetched 2026-01-02T15:05:05.123456789Z\n")) {
		t.Errorf("not in UTC:\n%s", text)
	}
}

func TestSnapshotThatIsNotThereIsNotAnErrorToTell(t *testing.T) {
	for _, path := range []string{"keys.snapshot", "missing/keys.snapshot"} {
		s := FileSnapshot(filepath.Join(t.TempDir(), path))
		if err := wantRefused(t, s, "no such file"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("error %v", err)
		}
	}
	var none *Snapshot
	if _, _, err := none.load(ourIssuer, ourURL, answered); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no snapshot: %v", err)
	}
	must(t, none.claim(ourName))
	must(t, none.save(ourIssuer, ourURL, answered, nil))
}

func TestSnapshotThatSomebodyElseMayHaveWrittenIsRefused(t *testing.T) {
	mode := func(mode fs.FileMode) func(*testing.T, string) {
		return func(t *testing.T, path string) { must(t, os.Chmod(path, mode)) }
	}
	instead := func(put func(*testing.T, string)) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			must(t, os.Rename(path, path+".good"))
			put(t, path)
		}
	}
	for name, test := range map[string]struct {
		change func(t *testing.T, path string)
		reason string
	}{
		"by the group":    {mode(0o620), "mode 0620 lets others write it"},
		"by anybody":      {mode(0o602), "mode 0602 lets others write it"},
		"symbolic link":   {instead(linkTo("keys.snapshot.good")), "not a regular file"},
		"named pipe":      {instead(badFiles["named pipe"].make), "not a regular file"},
		"directory":       {instead(badFiles["directory"].make), "not a regular file"},
		"device":          {instead(badFiles["device"].make), "not a regular file"},
		"longer than any": {instead(content(strings.Repeat("x", maxRecordBytes+1))), "longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			s, path := savedSnapshot(t)
			test.change(t, path)
			wantRefused(t, s, test.reason)
			if name == "directory" {
				return
			}
			// It is nothing that would have to be kept, even where it claims to be newer.
			must(t, s.save(ourIssuer, ourURL, answered.Add(-time.Hour), []byte("{}")))
			wantLoaded(t, s, "{}", answered.Add(-time.Hour))
			if info, err := os.Lstat(path); err != nil || info.Mode() != 0o600 {
				t.Errorf("mode %v, error %v", info.Mode(), err)
			}
		})
	}
}

func TestSnapshotThatOthersMayReadIsUsed(t *testing.T) {
	s, path := savedSnapshot(t)
	must(t, os.Chmod(path, 0o644))
	wantLoaded(t, s, tokenOfSet, answered)
}

func TestSnapshotOfAnotherUserIsRefused(t *testing.T) {
	s, path := savedSnapshot(t)
	if os.Geteuid() == 0 {
		must(t, os.Chown(path, 65534, -1))
		wantRefused(t, s, "belongs to user 65534")
		return
	}
	info := foreign{}
	if err := onlyOurs(info); err == nil || !strings.Contains(err.Error(), "belongs to user") {
		t.Errorf("error %v", err)
	}
}

// foreign is a file of a user that this process does not run as.
type foreign struct{ fs.FileInfo }

func (foreign) Mode() fs.FileMode { return 0o600 }
func (foreign) Sys() any          { return &syscall.Stat_t{Uid: uint32(os.Geteuid()) + 1} }

func TestSnapshotOfRootIsUsedByAnybody(t *testing.T) {
	if os.Geteuid() != 0 {
		must(t, onlyOurs(roots{}))
		return
	}
	s, path := savedSnapshot(t)
	must(t, os.Chmod(path, 0o644))
	openPathTo(t, path)
	asNobody(t, func() { wantLoaded(t, s, tokenOfSet, answered) })
}

// roots is a file of root.
type roots struct{ foreign }

func (roots) Sys() any { return &syscall.Stat_t{} }

// openPathTo lets everybody through to a file in the directory of a test.
func openPathTo(t *testing.T, path string) {
	t.Helper()
	for dir := filepath.Dir(path); dir != filepath.Clean(os.TempDir()) && dir != "/"; dir = filepath.Dir(dir) {
		must(t, os.Chmod(dir, 0o755))
	}
}

func TestSnapshotThatMayNotBeReadIsRefused(t *testing.T) {
	s, path := savedSnapshot(t)
	must(t, os.Chmod(path, 0))
	asNobody(t, func() {
		if err := wantRefused(t, s, "permission denied"); errors.Is(err, fs.ErrNotExist) {
			t.Errorf("error %v", err)
		}
	})
}

func TestSnapshotOfAnotherSourceIsRefused(t *testing.T) {
	for name, test := range map[string]struct{ issuer, url, reason string }{
		"issuer":         {"https://other.example.com", ourURL, `it is of issuer "https://other.example.com"`},
		"no issuer":      {"", ourURL, `it is of issuer ""`},
		"URL":            {ourIssuer, ourURL + "/", "another address"},
		"issuer's case":  {strings.ToUpper(ourIssuer), ourURL, "it is of issuer"},
		"control issuer": {"\x1b[2J\n", ourURL, `it is of issuer "\x1b[2J\n"`},
		"long issuer":    {strings.Repeat("i", 65), ourURL, `"` + strings.Repeat("i", 64) + `"…`},
	} {
		t.Run(name, func(t *testing.T) {
			s := claimed(t, filepath.Join(t.TempDir(), "keys.snapshot"))
			must(t, s.save(test.issuer, test.url, answered, []byte(tokenOfSet)))
			wantRefused(t, s, test.reason)
			// It is nothing that would have to be kept.
			must(t, s.save(ourIssuer, ourURL, answered.Add(-time.Hour), []byte("{}")))
			wantLoaded(t, s, "{}", answered.Add(-time.Hour))
		})
	}
}

func TestSnapshotFromTheFutureIsRefused(t *testing.T) {
	s, _ := savedSnapshot(t)
	if _, _, err := s.load(ourIssuer, ourURL, answered.Add(-1)); err == nil || !strings.Contains(err.Error(), "in the future") {
		t.Errorf("error %v", err)
	}
	if _, _, err := s.load(ourIssuer, ourURL, answered); err != nil {
		t.Errorf("of this very instant: %v", err)
	}
}

func TestSnapshotThatIsCutOffAnywhereIsRefused(t *testing.T) {
	s, path := savedSnapshot(t)
	text, err := os.ReadFile(path)
	must(t, err)
	for length := range text {
		must(t, os.WriteFile(path, text[:length], 0o600))
		wantRefused(t, s, "it is")
	}
	must(t, os.WriteFile(path, text[:len(text)-1], 0o600))
	must(t, s.save(ourIssuer, ourURL, answered.Add(-time.Hour), []byte("{}"))) // a damaged one is overwritten
	wantLoaded(t, s, "{}", answered.Add(-time.Hour))
}

func TestSnapshotWithAnyBitChangedIsRefused(t *testing.T) {
	s, path := savedSnapshot(t)
	text, err := os.ReadFile(path)
	must(t, err)
	for i := range text {
		for bit := range 8 {
			damaged := bytes.Clone(text)
			damaged[i] ^= 1 << bit
			if _, err := readRecord(damaged); err == nil {
				t.Fatalf("bit %d of byte %d changed, and accepted", bit, i)
			}
		}
	}
	for what, change := range map[string]func([]byte) []byte{
		"a byte more":      func(b []byte) []byte { return append(b, '\n') },
		"carriage returns": func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) },
		"twice":            func(b []byte) []byte { return append(b, b...) },
		"other quotes": func(b []byte) []byte {
			return bytes.ReplaceAll(b, []byte(`"`+ourIssuer+`"`), []byte("`"+ourIssuer+"`"))
		},
		"another spelling":  func(b []byte) []byte { return bytes.Replace(b, []byte("https"), []byte(`\x68ttps`), 1) },
		"an upper digest":   upperDigest,
		"a local time":      func(b []byte) []byte { return bytes.Replace(b, []byte("9Z\n"), []byte("9+00:00\n"), 1) },
		"lines swapped":     swapLines,
		"another version":   func(b []byte) []byte { return bytes.Replace(b, []byte("version 1"), []byte("version 2"), 1) },
		"a byte order mark": func(b []byte) []byte { return append([]byte("\ufeff"), b...) },
	} {
		must(t, os.WriteFile(path, change(bytes.Clone(text)), 0o600))
		if _, _, err := s.load(ourIssuer, ourURL, answered); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}

func upperDigest(text []byte) []byte {
	lines := strings.Split(string(text), "\n")
	name, digest, _ := strings.Cut(lines[4], " ")
	lines[4] = name + " " + strings.ToUpper(digest)
	return []byte(strings.Join(lines, "\n"))
}

func swapLines(text []byte) []byte {
	lines := strings.Split(string(text), "\n")
	lines[1], lines[2] = lines[2], lines[1]
	return []byte(strings.Join(lines, "\n"))
}

func TestSnapshotOfAnotherVersionSaysSo(t *testing.T) {
	s, path := savedSnapshot(t)
	must(t, os.WriteFile(path, []byte("bearerproof key set snapshot, version 2\n"), 0o600))
	wantRefused(t, s, "not a snapshot of this version")
}

func TestSnapshotsAtTheirLimits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.snapshot")
	s := claimed(t, path)
	long := "https://id.example.com/" + strings.Repeat("a", 3000)
	full := bytes.Repeat([]byte("\n"), maxSetBytes)
	must(t, s.save(long, long, answered, full))
	if set, _, err := s.load(long, long, answered); err != nil || !bytes.Equal(set, full) {
		t.Errorf("%d bytes, error %v", len(set), err)
	}
	for what, err := range map[string]error{
		"set":    s.save(ourIssuer, ourURL, answered, append(full, '\n')),
		"issuer": s.save(strings.Repeat(long, 3), ourURL, answered, nil),
		"time":   s.save(ourIssuer, ourURL, answered.AddDate(9000, 0, 0), nil),
	} {
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s beyond the limit: %v", what, err)
		}
	}
	if _, _, err := s.load(long, long, answered); err != nil {
		t.Errorf("a save that failed has changed the file: %v", err)
	}
}

func TestOldSnapshotNeverOverwritesANewer(t *testing.T) {
	s, path := savedSnapshot(t)
	err := s.save(ourIssuer, ourURL, answered.Add(-1), []byte("{}"))
	if err == nil || !strings.Contains(err.Error(), "a newer one") {
		t.Errorf("error %v", err)
	}
	wantLoaded(t, s, tokenOfSet, answered)
	must(t, s.save(ourIssuer, ourURL, answered, []byte("{}"))) // of the same time
	wantLoaded(t, s, "{}", answered)
	must(t, s.save(ourIssuer, ourURL, answered.Add(1), []byte("[]")))
	wantLoaded(t, s, "[]", answered.Add(1))
	wantFiles(t, filepath.Dir(path), "keys.snapshot")
}

func TestSnapshotFromTheFutureIsOverwritten(t *testing.T) {
	s, _ := savedSnapshot(t)
	s.now = func() time.Time { return answered.Add(-time.Hour) }
	must(t, s.save(ourIssuer, ourURL, answered.Add(-time.Hour), []byte("{}")))
	wantLoaded(t, s, "{}", answered.Add(-time.Hour))
}

func TestSavesAtTheSameTimeLeaveTheNewest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.snapshot")
	sources := []*Snapshot{claimed(t, path), claimed(t, path)} // as after a restart within the process
	must(t, sources[0].save(ourIssuer, ourURL, answered.Add(-time.Hour), []byte("0")))
	var saves sync.WaitGroup
	for i := range 40 {
		saves.Go(func() {
			at := answered.Add(time.Duration(i))
			if err := sources[i%2].save(ourIssuer, ourURL, at, fmt.Append(nil, i)); err != nil && !strings.Contains(err.Error(), "a newer one") {
				t.Error(err)
			}
		})
		saves.Go(func() {
			if _, _, err := sources[i%2].load(ourIssuer, ourURL, answered.Add(time.Hour)); err != nil && !strings.Contains(err.Error(), "replaced while") {
				t.Error(err)
			}
		})
	}
	saves.Wait()
	wantLoaded(t, sources[0], "39", answered.Add(39))
	wantFiles(t, filepath.Dir(path), "keys.snapshot")
}

func TestLoadGivesADiskThatHangsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := FileSnapshot("keys.snapshot")
		released := make(chan struct{})
		s.read = func(string) (record, error) {
			<-released
			return record{}, nil
		}
		start := time.Now()
		wantRefused(t, s, "longer than 400ms")
		if took := time.Since(start); took != maxLoad || took >= defaultPolicy().restoreTime {
			t.Errorf("it took %v", took)
		}
		close(released)
		synctest.Wait() // and the goroutine ends
	})
}

func TestCrashWhileSavingLeavesTheOldSnapshotAndNoRubbish(t *testing.T) {
	s, path := savedSnapshot(t)
	dir := filepath.Dir(path)
	old := time.Now().Add(-2 * time.Minute)
	leave := func(name string, at time.Time) {
		writeFile(t, filepath.Join(dir, name), []byte("bearerproof key set sna"))
		must(t, os.Chtimes(filepath.Join(dir, name), at, at))
	}
	leave(".keys.snapshot.123.tmp", old)
	leave(".keys.snapshot.456.tmp", old)
	leave(".keys.snapshot.789.tmp", time.Now()) // another process may be writing it
	leave(".keys.snapshot.swp", old)            // not ours
	leave(".other.snapshot.123.tmp", old)
	must(t, os.Mkdir(filepath.Join(dir, ".keys.snapshot.dir.tmp"), 0o700))
	must(t, os.Chtimes(filepath.Join(dir, ".keys.snapshot.dir.tmp"), old, old))
	wantLoaded(t, s, tokenOfSet, answered)
	must(t, s.save(ourIssuer, ourURL, answered.Add(1), []byte("{}")))
	wantLoaded(t, s, "{}", answered.Add(1))
	wantFiles(t, dir, ".keys.snapshot.789.tmp", ".keys.snapshot.dir.tmp", ".keys.snapshot.swp", ".other.snapshot.123.tmp", "keys.snapshot")
}

func TestSaveThatFailsSaysWhyAndLeavesNothingBehind(t *testing.T) {
	t.Run("directory missing", func(t *testing.T) {
		dir := t.TempDir()
		err := claimed(t, filepath.Join(dir, "missing", "keys.snapshot")).save(ourIssuer, ourURL, answered, nil)
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("error %v", err)
		}
		wantFiles(t, dir)
	})
	t.Run("directory read-only", func(t *testing.T) {
		s, path := savedSnapshot(t)
		openPathTo(t, path)
		must(t, os.Chmod(filepath.Dir(path), 0o555))
		asNobody(t, func() {
			err := s.save(ourIssuer, ourURL, answered.Add(1), nil)
			if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), ".tmp") {
				t.Errorf("error %v", err)
			}
		})
		must(t, os.Chmod(filepath.Dir(path), 0o755))
		wantFiles(t, filepath.Dir(path), "keys.snapshot")
		wantLoaded(t, s, tokenOfSet, answered)
	})
	t.Run("path is a directory", func(t *testing.T) {
		dir := t.TempDir()
		must(t, os.Mkdir(filepath.Join(dir, "keys.snapshot"), 0o700))
		err := claimed(t, filepath.Join(dir, "keys.snapshot")).save(ourIssuer, ourURL, answered, nil)
		if err == nil || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), ".tmp") {
			t.Errorf("error %v", err)
		}
		wantFiles(t, dir, "keys.snapshot")
	})
	t.Run("name too long", func(t *testing.T) {
		dir := t.TempDir()
		if err := claimed(t, filepath.Join(dir, strings.Repeat("n", 250))).save(ourIssuer, ourURL, answered, nil); !errors.Is(err, syscall.ENAMETOOLONG) {
			t.Errorf("error %v", err)
		}
		wantFiles(t, dir)
	})
	t.Run("disk full", func(t *testing.T) {
		var limit syscall.Rlimit
		must(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit))
		s, path := savedSnapshot(t)
		small := limit
		small.Cur = 512 << 10 // it is the process's, and go test writes a log of its own meanwhile
		must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small))
		err := s.save(ourIssuer, ourURL, answered.Add(1), make([]byte, 900<<10))
		must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("error %v", err)
		}
		wantFiles(t, filepath.Dir(path), "keys.snapshot")
		wantLoaded(t, s, tokenOfSet, answered)
	})
}

func TestSnapshotBelongsToOneSource(t *testing.T) {
	s := claimed(t, filepath.Join(t.TempDir(), "keys.snapshot"))
	for _, name := range []string{otherName, ourName} {
		if err := s.claim(name); err == nil || !strings.Contains(err.Error(), s.path) {
			t.Errorf("claimed again for %q: error %v", name, err)
		}
	}
}

func TestSnapshotFileBelongsToOneIssuerAndAddress(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	path := filepath.Join(dir, "keys.snapshot")
	first := claimed(t, path)
	for _, same := range []string{path, dir + "//x/../keys.snapshot", "keys.snapshot", "./keys.snapshot"} {
		if err := FileSnapshot(same).claim(otherName); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s is claimed for another source: error %v", same, err)
		}
	}
	must(t, FileSnapshot("keys.snapshot").claim(ourName)) // the same one, made anew
	must(t, FileSnapshot("other.snapshot").claim(otherName))
	runtime.KeepAlive(first)
}

func TestSnapshotFileIsFreeOnceItsSourceIsGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.snapshot")
	first := claimed(t, path)
	runtime.GC()
	if FileSnapshot(path).claim(otherName) == nil {
		t.Fatal("free while the first source lives")
	}
	runtime.KeepAlive(first)
	second := FileSnapshot(path)
	for range 100 {
		runtime.GC()
		if err := second.claim(otherName); err == nil {
			break
		}
	}
	if second.place == nil {
		t.Fatal("not free after the first source has gone")
	}
	if FileSnapshot(path).claim(ourName) == nil {
		t.Error("free while the second source lives")
	}
	runtime.KeepAlive(second)
}

func TestRegistryForgetsThePlacesThatNobodyHas(t *testing.T) {
	r := &registry{at: make(map[string]weak.Pointer[place])}
	p, err := r.enter("a", ourName)
	must(t, err)
	runtime.KeepAlive(p)
	empty := func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.at) == 0
	}
	deadline := time.Now().Add(10 * time.Second)
	for !empty() {
		if time.Now().After(deadline) {
			t.Fatal("the place is remembered for ever")
		}
		runtime.GC()
		runtime.Gosched()
	}
}

func TestSnapshotWithoutAPathIsRefusedWhenItIsClaimed(t *testing.T) {
	for reason, s := range map[string]*Snapshot{"the path is empty": FileSnapshot(""), "FileSnapshot did not make": {}} {
		if err := s.claim(ourName); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("error %v, want %q", err, reason)
		}
	}
}

func TestSnapshotWithoutASourceIsNotWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.snapshot")
	if err := FileSnapshot(path).save(ourIssuer, ourURL, answered, nil); err == nil {
		t.Error("written")
	}
	wantFiles(t, filepath.Dir(path))
}

// FuzzSnapshot reads any text as a snapshot. What is accepted must have no second
// spelling and must be refused with any one byte changed. And whatever a source has
// is read as it was written.
func FuzzSnapshot(f *testing.F) {
	text, err := record{ourIssuer, ourURL, answered, []byte(tokenOfSet)}.encode()
	must(f, err)
	f.Add(text, 10, byte(1))
	f.Fuzz(func(t *testing.T, text []byte, place int, change byte) {
		if r, err := readRecord(text); err == nil {
			wantOneSpelling(t, r, text, place, change)
		} else if len(err.Error()) > 100 || bytes.Contains(text, []byte(secretText)) && strings.Contains(err.Error(), secretText) {
			t.Errorf("error %q", err)
		}
		cut := min(max(place, 0), len(text))
		r := record{string(text[:cut]), string(text[cut:]), time.Unix(int64(place), int64(change)).UTC(), text}
		written, err := r.encode()
		if err != nil {
			return
		}
		wantOneSpelling(t, r, written, place, change)
	})
}

// wantOneSpelling wants a text to be that of a record, and the changed text of none.
func wantOneSpelling(t *testing.T, r record, text []byte, place int, change byte) {
	t.Helper()
	again, err := readRecord(text)
	if err != nil || again.issuer != r.issuer || again.url != r.url || !again.at.Equal(r.at) || !bytes.Equal(again.set, r.set) {
		t.Fatalf("read %+v, error %v; want %+v", again, err, r)
	}
	written, err := again.encode()
	if err != nil || !bytes.Equal(written, text) {
		t.Fatalf("written %q, error %v; want %q", written, err, text)
	}
	if change == 0 {
		return
	}
	damaged := bytes.Clone(text)
	damaged[uint(place)%uint(len(damaged))] ^= change
	if _, err := readRecord(damaged); err == nil {
		t.Fatalf("accepted with a byte changed: %q", damaged)
	}
}
