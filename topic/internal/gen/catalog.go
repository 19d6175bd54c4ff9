package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/token"
	"os"
	"strings"
)

// provider is one catalog file.
type provider struct {
	Provider  string     `json:"provider"` // as in topics: "cleeng"
	Go        string     `json:"go"`       // as in constants: "Cleeng"
	Selectors []selector `json:"selectors"`
	Topics    []row      `json:"topics"`
}

// selector is a name that selects topics and is none itself.
type selector struct {
	Pattern string `json:"pattern"`
	Go      string `json:"go"`
	Summary string `json:"summary"`
	Source  string `json:"source"`
}

// row is one topic.
type row struct {
	Name     string  `json:"name"`
	Wire     *string `json:"wire"` // left out: the same as Name; "": the body carries no documented name
	Go       string  `json:"go"`
	Group    string  `json:"group"`
	Status   string  `json:"status"`
	Evidence string  `json:"evidence"`
	Summary  string  `json:"summary"`
	Source   string  `json:"source"`
}

// wire returns the name as it stands in the body, "" for none.
func (r row) wire() string {
	if r.Wire == nil {
		return r.Name
	}
	return *r.Wire
}

// The catalog's spelling and the Go constant's name.
var (
	statuses = map[string]string{ //nolint:gochecknoglobals // a constant table
		"stable": "Stable", "early access": "EarlyAccess", "deprecated": "Deprecated", "unmerged": "Unmerged",
	}
	evidences = map[string]string{ //nolint:gochecknoglobals // a constant table
		"name alone": "NameAlone", "part": "PartPayload", "whole": "WholePayload",
	}
)

func readProvider(path string) (provider, error) {
	var p provider
	content, err := os.ReadFile(path) //nolint:gosec // the path comes from the generator's own glob
	if err != nil {
		return p, err
	}
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return p, err
	}
	return p, p.check()
}

func (p provider) check() error {
	if p.Provider == "" || !token.IsExported(p.Go) {
		return fmt.Errorf("provider %q needs a name and an exported Go name, not %q", p.Provider, p.Go)
	}
	seen := map[string]bool{}
	for i, r := range p.Topics {
		switch {
		case r.Name == "" || strings.ContainsAny(r.Name, "* :\t\n"):
			return fmt.Errorf("topic %d: name %q is not a topic's", i+1, r.Name)
		case seen[r.Name]:
			return fmt.Errorf("topic %s stands twice", r.Name)
		case !token.IsExported(r.Go) || !token.IsIdentifier(r.Go):
			return fmt.Errorf("topic %s: %q is not an exported Go name", r.Name, r.Go)
		case seen["go "+r.Go]:
			return fmt.Errorf("topic %s: the Go name %s stands twice", r.Name, r.Go)
		case r.Wire != nil && *r.Wire != "":
			return fmt.Errorf("topic %s: wire is left out where it is the name, and empty where there is none", r.Name)
		case statuses[r.Status] == "":
			return fmt.Errorf("topic %s: unknown status %q", r.Name, r.Status)
		case evidences[r.Evidence] == "":
			return fmt.Errorf("topic %s: unknown evidence %q", r.Name, r.Evidence)
		case r.Group == "" || r.Summary == "" || r.Source == "":
			return fmt.Errorf("topic %s needs a group, a summary and a source", r.Name)
		}
		seen[r.Name], seen["go "+r.Go] = true, true
	}
	return nil
}
