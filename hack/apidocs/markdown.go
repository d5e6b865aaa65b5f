// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"unicode"
)

// plain keeps what is between angle brackets from being taken for HTML.
func plain(text string) string {
	return strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(strings.TrimSpace(text))
}

// cell makes a text fit into a cell of a table: one line, without the character
// that ends a cell.
func cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(plain(text)), " "), "|", `\|`)
}

// slug is the anchor that Markdown renderers give to a heading.
func slug(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		default:
			return -1
		}
	}, heading)
}

// linkTo leads to a heading of the same document.
func linkTo(heading string) string { return "[" + plain(heading) + "](#" + slug(heading) + ")" }

func firstSentence(text string) string {
	sentence, _, more := strings.Cut(text, ". ")
	if more {
		return sentence + "."
	}
	return sentence
}

// firstParagraph leaves out what the libraries go on to tell to programmers.
func firstParagraph(text string) string {
	paragraph, _, _ := strings.Cut(text, "\n\n")
	return cell(paragraph)
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}
