namespace FleetMdm.Grains.Interfaces;

/// <summary>Sends one webhook its events; the key is the webhook's id.</summary>
[Alias("fleetmdm.webhook")]
public interface IWebhookGrain : IGrainWithStringKey
{
    /// <summary>There may be something to send.</summary>
    [Alias("Wake")]
    Task Wake();
}

/// <summary>The one grain (key 0) that takes events from where they happened to each webhook that wants them.</summary>
[Alias("fleetmdm.webhook-dispatch")]
public interface IWebhookDispatchGrain : IGrainWithIntegerKey
{
    /// <summary>Keeps it at work; every node may call it.</summary>
    [Alias("Wake")]
    Task Wake();

    /// <summary>Webhooks were changed: when it returns, this grain's node knows. The others know within seconds.</summary>
    [Alias("Changed")]
    Task Changed();

    /// <summary>When it returns, what happened before stands with each webhook that wants it.</summary>
    [Alias("Dispatch")]
    Task Dispatch();
}
