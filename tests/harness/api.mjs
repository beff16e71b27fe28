/** The few HTTP calls that tests make before they join. */

/** @param {string} url @param {unknown} [body] */
async function post(url, body = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`POST ${url}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

/**
 * @param {string} base such as `http://127.0.0.1:4000`
 * @param {object} [settings]
 * @returns {Promise<{id: string, participant_id: string, token: string}>} the token is the host's
 */
export function createRoom(base, settings = {}) {
  return post(`${base}/api/rooms`, settings);
}

/**
 * @param {string} base
 * @param {string} room
 * @param {object} who `{name, password?, role?}`
 * @returns {Promise<{participant_id: string, token: string}>}
 */
export function joinRoom(base, room, who) {
  return post(`${base}/api/rooms/${room}/join`, who);
}
