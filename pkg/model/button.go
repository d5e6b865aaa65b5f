// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package model

// Button is a v1alpha1.ui_button: what a person can press to start the companions that name it.
type Button struct {
	// Name is unique among buttons.
	Name                string
	Labels, Annotations map[string]string
	// ComponentType is "Resource" or "Global", ComponentID the name of a resource or of a place.
	ComponentType, ComponentID string
	Text, IconName, IconSVG    string
	// Disabled is true for a button that can't be pressed, Confirm for one that a person has to confirm.
	Disabled, Confirm bool
	Inputs            []ButtonInput
}

// ButtonInput is what a button asks for: the value of an environment variable. Exactly one of its pointers is set.
type ButtonInput struct {
	// Name is that of the variable.
	Name, Label string
	Text        *TextInput
	Bool        *BoolInput
	Hidden      *string
	Choice      *ChoiceInput
}

// TextInput asks for a text.
type TextInput struct{ Default, Placeholder string }

// BoolInput asks for yes or no. True and False are the values of the variable, nil for "true" and "false".
type BoolInput struct {
	Default     bool
	True, False *string
}

// ChoiceInput asks for one of several values. The first is the default.
type ChoiceInput struct{ Choices []string }
