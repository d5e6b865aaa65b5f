// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"fmt"
	"slices"
	"strings"

	"tilt.dev/session/pkg/image/dockerfile"
)

// warnUnused warns of the builds that neither resources nor other images use, unless update_settings() allows them.
// Configs names the files that don't use them.
func (i *Images) warnUnused(used []string, configs string) {
	allowed := map[string]bool{}
	for _, text := range i.evaluation.UnusedImages {
		if name, err := dockerfile.ParseName(text); err == nil {
			text = name.String()
		}
		allowed[text] = true
	}
	needed := map[*build]bool{}
	for _, b := range i.builds {
		for _, base := range b.bases {
			needed[base] = true
		}
	}
	for _, b := range i.ordered(used) {
		needed[b] = true
	}
	for _, b := range i.builds {
		if !needed[b] && !b.syncsOnly() && !allowed["*"] && !allowed[b.name.String()] {
			i.evaluation.Warn("%s", i.unusedText(b, configs))
		}
	}
}

// unusedText says that a build isn't used, and what to do.
func (i *Images) unusedText(b *build, configs string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "Image not used in any %s config:\n    ✕ %s\n", configs, b.name)
	switch suggestions := i.suggestions(b); {
	case len(suggestions) > 0:
		text.WriteString("Did you mean…\n")
		for _, suggestion := range suggestions {
			fmt.Fprintf(&text, "    - %s\n", suggestion)
		}
	case len(i.asked) == 0:
		text.WriteString("No Kubernetes object has an image. If it is in a custom resource, k8s_kind() says where.\n")
	}
	fmt.Fprintf(&text, "The image isn't built. If this is deliberate, suppress this warning with: "+
		"update_settings(suppress_unused_image_warnings=[%q])", b.name)
	return text.String()
}

// suggestions returns up to three references in objects that are like the name of a build, the closest first.
func (i *Images) suggestions(b *build) []string {
	const most = 3
	distances := map[string]int{}
	for _, text := range i.asked {
		name, err := dockerfile.ParseName(text)
		if err != nil || i.match(text) != nil {
			continue
		}
		candidate, own := name.Repository(), b.name.Repository()
		if d := distance(candidate, own); d <= max(len(candidate), len(own))/2 {
			distances[candidate] = d
		}
	}
	var all []string
	for candidate := range distances {
		all = append(all, candidate)
	}
	slices.SortFunc(all, func(x, y string) int {
		if d := distances[x] - distances[y]; d != 0 {
			return d
		}
		return strings.Compare(x, y)
	})
	return all[:min(most, len(all))]
}

// distance is how many bytes have to be added, removed or replaced to make one text of another.
func distance(from, to string) int {
	row := make([]int, len(to)+1)
	for n := range row {
		row[n] = n
	}
	for n := range len(from) {
		diagonal := row[0]
		row[0] = n + 1
		for m := range len(to) {
			cost := 1
			if from[n] == to[m] {
				cost = 0
			}
			diagonal, row[m+1] = row[m+1], min(row[m+1]+1, row[m]+1, diagonal+cost)
		}
	}
	return row[len(to)]
}
