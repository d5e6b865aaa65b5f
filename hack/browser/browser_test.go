// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build browser

package browser

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	pages = flag.String("pages", "", "the directory of the pages, where screenshots are written too")
	names = []string{"small", "large", "none", "real"}
)

// chromium returns what Chromium prints, and fails if it complains of the page.
func chromium(t *testing.T, args ...string) string {
	t.Helper()
	args = append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking",
		"--enable-logging=stderr", "--v=0", "--virtual-time-budget=20000", "--user-data-dir=" + t.TempDir()}, args...)
	var out, log bytes.Buffer
	cmd := exec.Command("chromium", args...)
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, log.String())
	}
	for _, console := range regexp.MustCompile(`(?m)^.*CONSOLE.*$`).FindAllString(log.String(), -1) {
		if !strings.Contains(console, "document's frame is sandboxed") {
			t.Errorf("the page complains: %s", console)
		}
	}
	return out.String()
}

func file(name string) string { return filepath.Join(*pages, name+".html") }

// What a page holds doesn't run.
func TestScripts(t *testing.T) {
	for _, name := range names {
		title := regexp.MustCompile(`<title>(.*?)</title>`).FindStringSubmatch(chromium(t, "--dump-dom", "file://"+file(name)))
		if title == nil || title[1] == "" || strings.Contains(title[1], "pwned") {
			t.Errorf("%s has the title %q", name, title)
		}
	}
}

// measures are those of a page in a frame.
type measures struct {
	// Width is that of its content, Bars and Texts count what is shown of the timeline, Violations those of the policy.
	Width, Bars, Names, Violations int
	// Text is how long its text is without the filter.
	Text int
	// Hidden counts what a filter has hidden, Bottom whether the last line of the first log is in sight.
	Hidden, Rows int
	Bottom       bool
	Background   string
}

const frame = `<!DOCTYPE html><iframe %s width=%d height=900 src="%s.html"></iframe><pre id=result></pre><script>
onload = () => {
  const d = document.querySelector("iframe").contentDocument, shown = q => [...d.querySelectorAll(q)].filter(e => e.getClientRects().length && e.getBoundingClientRect().width > 0).length
  const m = {Violations: 0, Width: d.documentElement.scrollWidth, Bars: shown(".timeline rect"), Names: shown(".timeline li"), Rows: shown("tbody tr"),
    Background: getComputedStyle(d.body).backgroundColor}
  const tools = d.querySelector(".tools") ?? {}
  tools.hidden = true
  m.Text = d.body.innerText.length
  tools.hidden = false
  const tail = d.querySelector("details[open] .tail")
  m.Bottom = !tail || tail.lastElementChild.getBoundingClientRect().bottom <= tail.getBoundingClientRect().bottom + 1
  d.addEventListener("securitypolicyviolation", () => m.Violations++)
  const filter = d.querySelector("input")
  if (filter) {
    filter.value = "no such target"
    filter.dispatchEvent(new Event("input"))
    m.Hidden = m.Rows - shown("tbody tr")
    filter.value = ""
    filter.dispatchEvent(new Event("input"))
    d.querySelector("button")?.click()
  }
  setTimeout(() => { document.getElementById("result").textContent = JSON.stringify(m) }, 100)
}
</script>`

func measure(t *testing.T, server, name, sandbox string, width int, args ...string) (m measures) {
	t.Helper()
	dom := chromium(t, append(args, "--dump-dom", fmt.Sprintf("%s/?name=%s&width=%d&sandbox=%s", server, name, width, sandbox))...)
	_, result, _ := strings.Cut(dom, `<pre id="result">`)
	result, _, _ = strings.Cut(result, "</pre>")
	if err := json.Unmarshal([]byte(html.UnescapeString(result)), &m); err != nil {
		t.Fatalf("%s: %v in %.2000s", name, err, dom)
	}
	return m
}

// A page fits a wide and a narrow window in both schemes, and shows its timeline and the end of a failure's output.
func TestLayout(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.ServeFile(w, r, filepath.Join(*pages, filepath.Base(r.URL.Path)))
			return
		}
		width, sandbox := 0, ""
		fmt.Sscan(r.FormValue("width"), &width)
		if r.FormValue("sandbox") != "" {
			sandbox = `sandbox="allow-same-origin"`
		}
		fmt.Fprintf(w, frame, sandbox, width, r.FormValue("name"))
	}))
	defer server.Close()
	backgrounds := map[string]bool{}
	for _, name := range names {
		for _, width := range []int{1280, 360} {
			texts := map[int]bool{}
			for _, sandbox := range []string{"", "yes"} { // A frame with a sandbox runs no scripts.
				for _, scheme := range []string{"0", "1"} {
					if scheme == "0" && name != "small" {
						continue // They have the same colours.
					}
					m := measure(t, server.URL, name, sandbox, width, "--blink-settings=preferredColorScheme="+scheme)
					backgrounds[scheme+m.Background], texts[m.Text] = true, true
					bars, rows := m.Bars > 0 && m.Names > 0, m.Rows > 0
					if name == "none" {
						bars, rows = true, true
					}
					if m.Width > width || !bars || !rows || !m.Bottom || m.Violations > 0 || sandbox == "" && m.Hidden != m.Rows {
						t.Errorf("%s at %d, sandbox %q, scheme %s: %+v", name, width, sandbox, scheme, m)
					}
				}
			}
			if len(texts) != 1 {
				t.Errorf("%s says less without scripts: it has %v characters", name, texts)
			}
		}
	}
	if len(backgrounds) != 2 {
		t.Errorf("backgrounds of the schemes: %v", backgrounds)
	}
}

// Screenshots are for a person to look at. They have the size of the window.
func TestScreenshots(t *testing.T) {
	for _, name := range names {
		for _, width := range []int{1280, 360} {
			for i, scheme := range []string{"dark", "light"} {
				path := filepath.Join(*pages, fmt.Sprintf("%s-%s-%d.png", name, scheme, width))
				chromium(t, fmt.Sprintf("--blink-settings=preferredColorScheme=%d", i), "--screenshot="+path,
					fmt.Sprintf("--window-size=%d,1800", width), "file://"+file(name))
				content, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if image, err := png.Decode(bytes.NewReader(content)); err != nil || image.Bounds().Dx() != width {
					t.Errorf("%s: %v", path, err)
				}
			}
		}
	}
}
