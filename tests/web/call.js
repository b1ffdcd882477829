// SPDX-License-Identifier: BSD-3-Clause
/*
 * A call between two pages, in one or two real browsers:
 *
 *   node call.js CHROMIUM JOB
 *
 * JOB is JSON: { sides: [{ profile, namespace, config }, ...] }, where `namespace` names the
 * network namespace that the side's browser runs in, and `config` is that of its
 * RTCPeerConnection. Commands come as lines of JSON on stdin, and each gets one line of JSON:
 *
 *   {"do":"call"}             audio, video and a data channel: the pairs that carry them
 *   {"do":"send","bytes":N}   N bytes each way over the data channel: whether they came, in order
 *   {"do":"media"}            what the sides have received
 *   {"do":"restart"}          an ICE restart: the pairs, once the first side has another
 *
 * At the end of stdin both sides hang up.
 */
"use strict";
const fs = require("fs");
const path = require("path");
const readline = require("readline");
const { chromium } = require("playwright-core");

const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
	"--disable-background-networking", "--disable-component-update", "--disable-sync",
	"--autoplay-policy=no-user-gesture-required", "--disable-features=WebRtcHideLocalIpsWithMdns"];

// What runs in the pages. It is sent there as text.
function side(config) {
	const SIZE = 16384;
	const peer = new RTCPeerConnection(config);
	const found = { peer, received: 0, wrong: 0 };

	// A byte of the pattern that the data channel carries.
	const byte = (at) => (at * 31 + (at >> 8)) & 255;
	function take(event) {
		for (const one of new Uint8Array(event.data)) {
			found.wrong += one !== byte(found.received);
			found.received++;
		}
	}
	function use(channel) {
		found.channel = channel;
		channel.binaryType = "arraybuffer";
		channel.bufferedAmountLowThreshold = 1 << 18;
		channel.onmessage = take;
	}
	if (!config.answers)
		use(peer.createDataChannel("data"));
	peer.ondatachannel = (event) => use(event.channel);

	const canvas = document.body.appendChild(document.createElement("canvas"));
	const context = canvas.getContext("2d");
	let frame = 0;
	setInterval(() => {
		context.fillStyle = `hsl(${frame++ % 360} 80% 50%)`;
		context.fillRect(0, 0, canvas.width, canvas.height);
	}, 40);
	const audio = new AudioContext();
	const tone = audio.createOscillator();
	const sink = audio.createMediaStreamDestination();
	tone.connect(sink);
	tone.start();
	const stream = canvas.captureStream(25);
	stream.addTrack(sink.stream.getAudioTracks()[0]);
	for (const track of stream.getTracks())
		peer.addTrack(track, stream);
	peer.ontrack = (event) => {
		const video = document.body.appendChild(document.createElement("video"));
		video.muted = true;
		video.srcObject = event.streams[0];
		video.play();
	};

	const until = (ready, target, name) => new Promise((resolve) => {
		const look = () => ready() && resolve();
		target.addEventListener(name, look);
		look();
	});
	found.describe = async (remote, restart) => {
		if (remote)
			await peer.setRemoteDescription(remote);
		if (remote && remote.type === "answer")
			return null;
		await peer.setLocalDescription(await (remote ? peer.createAnswer() :
			peer.createOffer({ iceRestart: restart })));
		await until(() => peer.iceGatheringState === "complete", peer, "icegatheringstatechange");
		return peer.localDescription.toJSON();
	};
	found.connected = () => until(() => peer.connectionState === "connected", peer, "connectionstatechange");
	found.open = async () => {
		while (!found.channel)
			await new Promise((resolve) => setTimeout(resolve, 20));
		await until(() => found.channel.readyState === "open", found.channel, "open");
	};
	found.send = async (bytes) => {
		for (let at = found.sent ?? 0, end = at + bytes; at < end; at += SIZE) {
			const part = new Uint8Array(Math.min(SIZE, end - at)).map((_, i) => byte(at + i));
			found.channel.send(part);
			await until(() => found.channel.bufferedAmount < 1 << 20, found.channel, "bufferedamountlow");
			found.sent = at + part.length;
		}
	};
	found.has = async (bytes) => {
		while (found.received < bytes)
			await new Promise((resolve) => setTimeout(resolve, 20));
	};
	found.pair = async () => {
		const stats = await peer.getStats();
		const transport = [...stats.values()].find((one) => one.type === "transport");
		const pair = stats.get(transport.selectedCandidatePairId);
		const candidate = (id) => {
			const { candidateType, address, port, relayProtocol } = stats.get(id);
			return { type: candidateType, address, port, relayProtocol };
		};
		return { local: candidate(pair.localCandidateId), remote: candidate(pair.remoteCandidateId),
			round_trip: pair.currentRoundTripTime };
	};
	found.media = async () => {
		const all = {};
		for (const one of (await peer.getStats()).values()) {
			if (one.type === "inbound-rtp")
				all[one.kind] = { packets: one.packetsReceived, lost: one.packetsLost,
					frames: one.framesDecoded ?? 0 };
		}
		return all;
	};
	found.close = async () => {
		peer.close();
		await new Promise((resolve) => setTimeout(resolve, 200));
	};
	window.side = found;
}

async function open(executable, one) {
	const wrapper = path.join(one.profile, "browser");
	fs.writeFileSync(wrapper, `#!/bin/sh\nexec ip netns exec ${one.namespace} ${executable} "$@"\n`, { mode: 0o755 });
	const browser = await chromium.launchPersistentContext(path.join(one.profile, "data"),
		{ executablePath: wrapper, headless: true, args: ARGUMENTS });
	return { ...one, browser };
}

async function start(browsers, one, answers) {
	const page = await browsers.get(one.profile).newPage();
	page.setDefaultTimeout(30000);
	await page.evaluate(side, { ...one.config, answers });
	return page;
}

const each = (pages, what, argument) => Promise.all(pages.map((page) => page.evaluate(what, argument)));
const pairs = async (pages) => {
	await each(pages, () => window.side.connected());
	return each(pages, () => window.side.pair());
};

async function connect([first, second], restart) {
	const describe = (page, remote) => page.evaluate(([one, again]) => window.side.describe(one, again),
		[remote, restart]);
	await describe(first, await describe(second, await describe(first, null)));
}

async function call(pages) {
	await connect(pages, false);
	await each(pages, () => window.side.open());
	return { pairs: await pairs(pages) };
}

async function restart(pages) {
	const [{ local: { port } }] = await pairs(pages);
	await connect(pages, true);
	await pages[0].waitForFunction((old) => window.side.pair().then((pair) => pair.local.port !== old), port);
	return { pairs: await pairs(pages) };
}

async function send(pages, total, bytes) {
	await each(pages, (count) => window.side.send(count), bytes);
	await each(pages, (count) => window.side.has(count), total);
	return { wrong: await each(pages, () => window.side.wrong), received: await each(pages, () => window.side.received) };
}

async function main([executable, text]) {
	const job = JSON.parse(text);
	const browsers = new Map();
	try {
		for (const one of job.sides) {
			if (!browsers.has(one.profile))
				browsers.set(one.profile, (await open(executable, one)).browser);
		}
		const pages = [await start(browsers, job.sides[0], false), await start(browsers, job.sides[1], true)];
		let total = 0;
		for await (const line of readline.createInterface({ input: process.stdin })) {
			const command = JSON.parse(line);
			const commands = {
				call: () => call(pages),
				restart: () => restart(pages),
				media: () => each(pages, () => window.side.media()),
				send: () => send(pages, total += command.bytes, command.bytes),
			};
			console.log(JSON.stringify(await commands[command.do]()));
		}
		// The relays are given back: a browser that is just closed leaves them to their lifetimes.
		await each(pages, () => window.side.close());
	} finally {
		for (const browser of browsers.values())
			await browser.close();
	}
}

main(process.argv.slice(2)).catch((error) => {
	console.error(String(error.stack ?? error));
	process.exitCode = 1;
});
