/**
 * What is read inside the page. The app exposes nothing for tests: an init script keeps the peer connections that the page
 * makes, and all else comes from them and from the documented `data-testid` hooks.
 */

/**
 * Runs in the page before its own scripts. `proxied` lets media candidates be led through the test's network.
 *
 * @param {{proxied: boolean}} options
 */
export function keepPeers({ proxied }) {
  const peers = [];
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      peers.push(this);
    }

    async setRemoteDescription(description) {
      if (!proxied || !description?.sdp) return super.setRemoteDescription(description);
      const lines = await Promise.all(description.sdp.split('\r\n').map(led));
      return super.setRemoteDescription({ type: description.type, sdp: lines.join('\r\n') });
    }
  };

  async function led(line) {
    const found = /^(a=candidate:\S+ \d+ )udp( \d+) (\S+) (\d+)( typ host.*)$/i.exec(line);
    if (!found) return line;
    const [, head, priority, address, port, tail] = found;
    return `${head}udp${priority} 127.0.0.1 ${await window.testMediaPort(address, Number(port))}${tail}`;
  }

  window.testPeers = () => peers.filter((peer) => peer.connectionState !== 'closed');
}

/**
 * Runs in the page before its own scripts, and writes down what a person's privacy depends on, from the first moment on: every
 * microphone that is asked for, every sound that is handed to a connection, every change of the switch; beside them what the page
 * says of the connection. `window.testNoted` is `{at, what, detail}`.
 */
export function takeNotes() {
  const noted = (window.testNoted = []);
  const note = (what, detail) => noted.push({ at: Math.round(performance.now()), what, detail });
  const sound = (track) => track?.kind === 'audio' && track.enabled && track.readyState === 'live';

  const devices = window.MediaDevices?.prototype;
  const capture = devices?.getUserMedia;
  if (capture) {
    devices.getUserMedia = function (constraints) {
      if (constraints?.audio) note('microphone', 'asked for');
      return capture.call(this, constraints);
    };
  }
  for (const [owner, method] of [
    [RTCRtpSender, 'replaceTrack'],
    [RTCPeerConnection, 'addTrack'],
    [RTCPeerConnection, 'addTransceiver'],
  ]) {
    const native = owner.prototype[method];
    owner.prototype[method] = function (track, ...rest) {
      if (sound(track)) note('microphone', `given to ${method}`);
      return native.call(this, track, ...rest);
    };
  }

  const watched = [
    ['toggle-mic', 'toggle-mic', 'aria-pressed'],
    ['connection', 'connection-state', 'data-state'],
    ['media', 'connection-state', 'data-media'],
  ];
  const seen = new Map();
  const look = () => {
    for (const [what, hook, attribute] of watched) {
      const value = document.querySelector(`[data-testid="${hook}"]`)?.getAttribute(attribute) ?? null;
      if (value === null || value === seen.get(what)) continue;
      seen.set(what, value);
      note(what, value);
    }
  };
  new MutationObserver(look).observe(document, {
    subtree: true,
    childList: true,
    attributeFilter: ['aria-pressed', 'data-state', 'data-media'],
  });
}

/**
 * Every incoming stream of every living peer connection: `{id, kind, mid, track, frames, energy}`.
 */
export async function readInbound() {
  const found = [];
  for (const [index, peer] of window.testPeers().entries()) {
    for (const stat of (await peer.getStats()).values()) {
      if (stat.type !== 'inbound-rtp') continue;
      found.push({
        id: `${index}:${stat.id}`,
        kind: stat.kind,
        mid: stat.mid,
        track: stat.trackIdentifier,
        frames: stat.framesDecoded ?? 0,
        energy: stat.totalAudioEnergy ?? 0,
      });
    }
  }
  return found;
}

/** What this page sends of sound: the sum over its living peer connections of the microphone's energy. */
export async function readOwnEnergy() {
  let energy = 0;
  for (const peer of window.testPeers()) {
    const senders = peer.getSenders().filter((sender) => sender.track?.kind === 'audio');
    for (const sender of senders) {
      for (const stat of (await sender.getStats()).values()) {
        if (stat.type === 'media-source') energy += stat.totalAudioEnergy ?? 0;
      }
    }
  }
  return energy;
}

/** The tiles on the page: `{id, name, local, tracks, playing}`, `tracks` the ids of the video tracks that its elements show. */
export function readTiles() {
  return [...document.querySelectorAll('[data-testid="participant-tile"]')].map((tile) => {
    const videos = [...tile.querySelectorAll('video')];
    return {
      id: tile.dataset.participantId,
      name: tile.dataset.name,
      local: tile.dataset.local === 'true',
      tracks: videos.flatMap((video) => (video.srcObject?.getVideoTracks() ?? []).map((track) => track.id)),
      shown: videos.map((video) => video.getVideoPlaybackQuality().totalVideoFrames),
    };
  });
}
