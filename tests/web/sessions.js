// SPDX-License-Identifier: BSD-3-Clause
/*
 * An admin who looks at the sessions, in a real browser:
 *
 *   node sessions.js CHROMIUM PROFILE URL USER PASSWORD [SESSION]
 *
 * logs in, opens the page of the sessions and prints JSON: the page's table as
 * `rows`, one object a row by the names of the columns. With SESSION it then
 * cancels that one by its link; `cancelled` is when, in seconds of the clock.
 */
"use strict";
const { chromium } = require("playwright-core");

const SECONDS = 1000;

async function rows(page) {
	return page.locator("table").first().evaluate((table) => {
		const text = (cell) => cell.innerText.trim();
		const [head, ...body] = Array.from(table.rows, (row) => Array.from(row.cells, text));
		return body.map((cells) => Object.fromEntries(cells.map((cell, i) => [head[i], cell])));
	});
}

async function visit(page, url, user, password, session) {
	await page.goto(url);
	await page.fill("input[type=text]", user);
	await page.fill("input[type=password]", password);
	await page.click("input[value=Login]");
	await page.click("text=TURN Sessions");
	await page.waitForSelector("text=Total sessions");
	const found = { rows: await rows(page) };
	if (session) {
		found.cancelled = Date.now() / SECONDS;
		await page.locator("tr", { hasText: session }).locator("text=cancel").click();
		await page.waitForSelector("text=Total sessions");
	}
	return found;
}

async function main([executablePath, profile, ...words]) {
	const browser = await chromium.launchPersistentContext(profile, {
		executablePath,
		headless: true,
		ignoreHTTPSErrors: true,
		args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
			"--disable-background-networking", "--disable-component-update", "--disable-sync"],
	});
	try {
		const page = browser.pages()[0] ?? await browser.newPage();
		page.setDefaultTimeout(15 * SECONDS);
		console.log(JSON.stringify(await visit(page, ...words)));
	} finally {
		await browser.close();
	}
}

main(process.argv.slice(2)).catch((error) => {
	console.error(String(error));
	process.exitCode = 1;
});
