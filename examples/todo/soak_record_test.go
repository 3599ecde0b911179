//go:build soak

package main

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// soakTime is a time since the start of the issuer, or a duration. JSON has it in
// seconds.
type soakTime time.Duration

// MarshalJSON implements json.Marshaler.
func (s soakTime) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, s.seconds(), 'f', 3, 64), nil
}

func (s soakTime) String() string { return time.Duration(s).Round(time.Millisecond).String() }

func (s soakTime) seconds() float64 { return time.Duration(s).Seconds() }

// soakFate is what became of a key.
type soakFate struct {
	ID            string      `json:"kid"`
	Published     soakTime    `json:"published"`
	FirstAsked    soakTime    `json:"first_asked"`
	FirstAccepted soakTime    `json:"first_accepted"` // 0: never
	Withdrawn     soakTime    `json:"withdrawn,omitzero"`
	LastAccepted  soakTime    `json:"last_accepted"`
	Refused       map[int]int `json:"refused"` // good tokens before the first acceptance, by status
	// Of the time that the issuer was up:
	RefusedFor  soakTime `json:"refused_for"`
	MayRefuse   soakTime `json:"may_refuse"`
	OutlivedFor soakTime `json:"outlived_for"`
	MayOutlive  soakTime `json:"may_outlive"`
}

// soakRecord is what was measured.
type soakRecord struct {
	Length      soakTime               `json:"length"`
	Connections int                    `json:"connections"`
	Cooldown    soakTime               `json:"cooldown"`
	Answers     map[string]map[int]int `json:"answers"` // by what was sent, and status
	Longest     map[string]soakTime    `json:"longest"`
	KnownP50    soakTime               `json:"older_key_p50"`
	KnownP99    soakTime               `json:"older_key_p99"`
	Phases      []soakPhase            `json:"phases"`
	Keys        []soakFate             `json:"keys"`
	Fetches     []soakFetch            `json:"fetches"`
	Samples     []soakSample           `json:"samples"`
	Idle        soakSample             `json:"idle"`
	Last        soakSample             `json:"last"`
}

func (s *soak) record() soakRecord {
	r := soakRecord{
		Length: s.ended - s.began, Connections: soakConnections, Cooldown: soakTime(soakCooldown),
		Answers: map[string]map[int]int{}, Longest: map[string]soakTime{},
		KnownP50: soakTime(s.load.quantile(.5)), KnownP99: soakTime(s.load.quantile(.01)),
		Samples: s.samples, Idle: s.idle, Last: s.last,
	}
	for role := range soakRoles {
		r.Answers[role.String()] = s.load.answers[role]
		r.Longest[role.String()] = soakTime(s.load.longest[role])
	}
	s.issuer.mu.Lock()
	defer s.issuer.mu.Unlock()
	r.Phases, r.Fetches = s.issuer.phases, s.issuer.fetches
	for _, k := range s.issuer.keys {
		r.Keys = append(r.Keys, s.fateOf(k))
	}
	return r
}

// maxPlot is how long a plot of a minute may be, since it is kept with the
// documentation.
const maxPlot = 60_000

// publish writes the record and the plots to a directory, if one is named.
func (s *soak) publish(t *testing.T, dir string) {
	t.Helper()
	r := s.record()
	text, err := json.Marshal(r, json.Deterministic(true), jsontext.WithIndent(" "), jsontext.SpaceAfterComma(true))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"soak.json":        string(text) + "\n",
		"soak-fetches.svg": plotFetches(r),
		"soak-memory.svg":  plotMemory(r),
	} {
		if strings.HasSuffix(name, ".svg") {
			if err := wellFormed(content); err != nil || len(content) > maxPlot && r.Length.seconds() < 2*soakLength.Seconds() {
				t.Errorf("%s has %d bytes, and is it well formed? %v", name, len(content), err)
			}
		}
		if dir == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Error(err)
		}
	}
}

func wellFormed(text string) error {
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}
