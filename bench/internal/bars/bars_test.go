package bars

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strconv"
	"testing"

	"gonum.org/v1/plot"
)

func TestSVG(t *testing.T) {
	picture, err := Chart{
		Title: "of two", Most: 10, Ticks: []plot.Tick{{Value: 5, Label: "five"}},
		Bars: []Bar{{"first & last", "eight", 8, Blue}, {"second", "four", 4, Orange}},
	}.SVG()
	if err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(bytes.NewReader(picture))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	xName, yFirst := place(t, picture, "first &amp; last")
	_, ySecond := place(t, picture, "second")
	xEight, _ := place(t, picture, "eight")
	xFour, _ := place(t, picture, "four")
	xFive, _ := place(t, picture, "five")
	if xName > xFour || xFour >= xFive || xFive >= xEight {
		t.Errorf("from left to right: name %v, four %v, five %v, eight %v", xName, xFour, xFive, xEight)
	}
	if yFirst >= ySecond { // counted from the top
		t.Errorf("the first bar is at %v and the second at %v", yFirst, ySecond)
	}
	place(t, picture, "of two")
}

// place returns where a text begins.
func place(t *testing.T, picture []byte, text string) (x, y float64) {
	t.Helper()
	found := regexp.MustCompile(`<text x="([-\d.]+)" y="([-\d.]+)"[^>]*>` + text + `</text>`).FindSubmatch(picture)
	if found == nil {
		t.Fatalf("%q is not in\n%s", text, picture)
	}
	x, errX := strconv.ParseFloat(string(found[1]), 64)
	y, errY := strconv.ParseFloat(string(found[2]), 64)
	if err := errors.Join(errX, errY); err != nil {
		t.Fatal(err)
	}
	return x, y
}
