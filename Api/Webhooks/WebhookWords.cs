namespace FleetMdm.Api.Webhooks;

/// <summary>A webhook in words.</summary>
internal static class WebhookWords
{
    public static string State(WebhookView webhook) => webhook switch
    {
        { State: "paused" } => "Paused",
        { State: "disabled" } => "Disabled",
        { FailingSince: not null } => "Failing",
        _ => "Active",
    };

    public static string Colour(WebhookView webhook) => State(webhook) switch
    {
        "Active" => "good",
        "Paused" => "warn",
        _ => "bad",
    };

    public static string State(WebhookDeliveryView delivery) => delivery switch
    {
        { State: "delivered" } => "Delivered",
        { State: "dead" } => "Given up",
        { Attempts: > 0 } => "Tried again",
        _ => "Waiting",
    };

    public static string Colour(WebhookDeliveryView delivery) => delivery switch
    {
        { State: "delivered" } => "good",
        { State: "dead" } => "bad",
        { Attempts: > 0 } => "warn",
        _ => "",
    };
}
