/** The texts about the page without a network, in English. */

export const offline = {
  "offline.new_version": "A new version of cloudchat is ready.",
  "offline.reload": "Reload",
  "offline.no_network": "You are offline. What you write is kept and sent once you are online.",
  "offline.no_network_since":
    "You are offline. You see what was loaded until {time}. What you write is kept and sent later.",
  "offline.no_server": "The server cannot be reached. What you write is kept and sent once it is back.",
  "offline.no_server_since":
    "The server cannot be reached. You see what was loaded until {time}. What you write is kept and sent later.",
};
