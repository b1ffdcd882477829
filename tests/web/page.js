// SPDX-License-Identifier: BSD-3-Clause
/*
 * An operator who opens examples/call/index.html:
 *
 *   node page.js CHROMIUM FILE PICTURE FIELDS
 *
 * fills in FIELDS, JSON by the names of the form, calls, and waits until each plot has a figure and the
 * kernel's share is near 100 %, or the page says that there is no call. Prints JSON: the `state` and the `figures` by name.
 * Writes the page's picture to PICTURE.
 */
"use strict";
const { chromium } = require("playwright-core");

async function figures(page) {
	return page.$$eval("#plots figure", (all) => Object.fromEntries(all.map((one) =>
		[one.querySelector("span").textContent, one.querySelector("b").textContent])));
}

async function visit(page, file, picture, fields) {
	await page.goto(`file://${file}`);
	for (const [name, value] of Object.entries(fields))
		await page.locator(`[name=${name}]`)[name === "transport" ? "selectOption" : "fill"](value);
	await page.click("button");
	await page.waitForFunction(() => {
		const texts = [...document.querySelectorAll("#plots b")].map((one) => one.textContent);
		return document.querySelector("#state.failed") ||
			texts.every((text) => /^[\d.]+ /.test(text)) && parseFloat(texts.at(-1)) >= 95;
	}).catch(() => {});
	await page.screenshot({ path: picture });
	return { state: await page.innerText("#state"), path: await page.innerText("#path"), figures: await figures(page) };
}

async function main([executablePath, file, picture, fields]) {
	const browser = await chromium.launch({ executablePath, headless: true,
		args: ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"] });
	try {
		const page = await browser.newPage({ viewport: { width: 980, height: 700 } });
		page.setDefaultTimeout(40000);
		console.log(JSON.stringify(await visit(page, file, picture, JSON.parse(fields))));
	} finally {
		await browser.close();
	}
}

main(process.argv.slice(2)).catch((error) => {
	console.error(String(error.stack ?? error));
	process.exitCode = 1;
});
