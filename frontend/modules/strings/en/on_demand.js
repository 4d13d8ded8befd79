/** The texts about what is loaded when it is opened, in English. */

export const onDemand = {
  "on_demand.title": "Not loaded",
  "on_demand.lead": "This part of the page could not be loaded. Check your connection, then open it again.",
};
