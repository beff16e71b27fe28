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
 * Every incoming stream of every living peer connection: `{id, kind, track, frames, energy}`.
 */
export async function readInbound() {
  const found = [];
  for (const [index, peer] of window.testPeers().entries()) {
    for (const stat of (await peer.getStats()).values()) {
      if (stat.type !== 'inbound-rtp') continue;
      found.push({
        id: `${index}:${stat.id}`,
        kind: stat.kind,
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
