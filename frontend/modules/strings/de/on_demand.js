/** The texts about what is loaded when it is opened, in German. */

export const onDemand = {
  "on_demand.title": "Nicht geladen",
  "on_demand.lead":
    "Dieser Teil der Seite konnte nicht geladen werden. Prüfen Sie die Verbindung, und öffnen Sie ihn noch einmal.",
};
