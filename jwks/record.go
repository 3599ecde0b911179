package jwks

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Limits of a snapshot. Issuer and URL have room for any escape of a name that is
// bearable.
const (
	maxRecordHead  = 16 << 10
	maxRecordBytes = maxRecordHead + maxSetBytes
)

// recordTitle is the first line of a snapshot. Another version has another one.
const recordTitle = "bearerproof key set snapshot, version 1"

// record is what a snapshot's file says. As text it is five lines, an empty one, the
// set and a line feed:
//
//	bearerproof key set snapshot, version 1
//	issuer "https://id.example.com"
//	url "https://id.example.com/keys"
//	fetched 2026-01-02T15:04:05.123456789Z
//	sha256 (the hexadecimal digest of the lines before it and of what follows it)
//
//	{"keys":[…]}
//
// There is one spelling for each record.
type record struct {
	issuer string
	url    string
	at     time.Time // in UTC
	set    []byte
}

// encode returns the text of a record. It fails for one that could not be read back.
func (r record) encode() ([]byte, error) {
	head := fmt.Sprintf("%s\nissuer %s\nurl %s\nfetched %s\n", recordTitle,
		strconv.QuoteToASCII(r.issuer), strconv.QuoteToASCII(r.url), r.at.Format(time.RFC3339Nano))
	if len(head) > maxRecordHead/2 {
		return nil, errors.New("the names of issuer and address are too long")
	}
	if len(r.set) > maxSetBytes {
		return nil, errTooLong
	}
	if year := r.at.Year(); year < 0 || year > 9999 {
		return nil, errors.New("the time cannot be written")
	}
	digest := sha256.New()
	digest.Write([]byte(head))
	digest.Write(r.set)
	var text bytes.Buffer
	fmt.Fprintf(&text, "%ssha256 %x\n\n%s\n", head, digest.Sum(nil), r.set)
	return text.Bytes(), nil
}

// readRecord reads what encode wrote, and nothing else.
func readRecord(text []byte) (record, error) {
	head, set, found := bytes.Cut(text, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if lines[0] != recordTitle {
		return record{}, errNoRecord
	}
	if !found || len(lines) != 5 {
		return record{}, errDamaged
	}
	var r record
	var err [3]error
	r.issuer, err[0] = strconv.Unquote(strings.TrimPrefix(lines[1], "issuer "))
	r.url, err[1] = strconv.Unquote(strings.TrimPrefix(lines[2], "url "))
	r.at, err[2] = time.Parse(time.RFC3339Nano, strings.TrimPrefix(lines[3], "fetched "))
	if errors.Join(err[:]...) != nil {
		return record{}, errDamaged
	}
	r.set = bytes.TrimSuffix(set, []byte("\n"))
	// The digest, and whatever may be spelt in two ways.
	if again, err := r.encode(); err != nil || !bytes.Equal(again, text) {
		return record{}, errDamaged
	}
	return r, nil
}

// What is wrong with a snapshot's text.
var (
	errNoRecord = errors.New("it is not a snapshot of this version")
	errDamaged  = errors.New("it is damaged")
)
