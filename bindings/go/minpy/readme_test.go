package minpy_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// What the README shows is a part of an example that runs.
func TestReadmeShowsCodeThatRuns(t *testing.T) {
	readme := string(must(os.ReadFile("README.md"))(t))
	examples := string(must(os.ReadFile("example_test.go"))(t))
	plain := func(text string) string {
		return strings.TrimSpace(regexp.MustCompile(`(?m)^[ \t]+`).ReplaceAllString(text, ""))
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(readme, -1)
	if len(blocks) < 5 {
		t.Fatal("the README has lost its examples")
	}
	for _, block := range blocks {
		if !strings.Contains(plain(examples), plain(block[1])) {
			t.Errorf("no example runs this:\n%s", block[1])
		}
	}
}
