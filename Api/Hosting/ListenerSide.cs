using FleetMdm.Api.Enrolment;

namespace FleetMdm.Api.Hosting;

/// <summary>Which of the two sides an endpoint or a listener serves.</summary>
public enum Side
{
    /// <summary>What iPads call.</summary>
    Device,
    /// <summary>What administrators and their programs call.</summary>
    Admin,
    /// <summary>Health: answered everywhere.</summary>
    Both,
    /// <summary>Of a listener only: nothing is served there, browsers are sent to the public URL.</summary>
    Redirect,
}

/// <summary>Marks an endpoint; one without a mark is the administrators'.</summary>
public sealed record SideMetadata(Side Side)
{
    public static readonly SideMetadata Device = new(Side.Device);
    public static readonly SideMetadata Both = new(Side.Both);
}

/// <summary>Set on each connection by its listener.</summary>
internal sealed record ListenerFeature(Side Side);

public static class ListenerSides
{
    /// <summary>With a listener of their own for administrators, each listener answers 404 to what belongs to the other. A person who opens the iPads'
    /// address is told what it is.</summary>
    public static IApplicationBuilder UseListenerSides(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        if (context.Features.Get<ListenerFeature>() is not { Side: not Side.Both } listener) return next(context);
        var side = SideOf(context);
        if (side == Side.Both || side == listener.Side) return next(context);
        context.SetEndpoint(null);
        if (listener.Side == Side.Device && context.Request.Path == "/" && HttpMethods.IsGet(context.Request.Method))
            return EnrolmentPage.Front(context).ExecuteAsync(context);
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    });

    /// <summary>Of the endpoint that the request is for; what has none, or no mark, is the administrators'.</summary>
    internal static Side SideOf(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<SideMetadata>()?.Side ?? Side.Admin;
}
