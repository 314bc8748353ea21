// Package user is how the programs here speak to tests/interop/programs.py, which plays the user's browser.
package user

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
)

var answers = bufio.NewScanner(os.Stdin)

// Open has the user open the URL, and returns the URL that the browser was sent back to.
func Open(url string) string {
	fmt.Println("open", url)
	answers.Scan()
	return answers.Text()
}

// Report tells what came of it.
func Report(result map[string]any) {
	text, err := json.Marshal(result)
	Must(err)
	fmt.Println("report", string(text))
}

// CountAccounts is what an app does with its access token: how many accounts of the bank it sees.
func CountAccounts(client *http.Client) int {
	answer, err := client.Get(os.Getenv("API") + "/accounts")
	Must(err)
	defer answer.Body.Close()
	var body struct{ Data []any }
	Must(json.NewDecoder(answer.Body).Decode(&body))
	return len(body.Data)
}

// Must ends the program with an error.
func Must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
