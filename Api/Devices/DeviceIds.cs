using FleetMdm.Api.Rest;

namespace FleetMdm.Api.Devices;

/// <summary>Before any endpoint of an iPad: its id in the one spelling, whoever wrote it how. What can be nobody's id is 400.</summary>
/// <remarks>Here, and not in each endpoint, so that none can forget it.</remarks>
internal sealed class DeviceIds(RequestDelegate next)
{
    private const string Id = "id";

    private static readonly string[] Routes = ["/api/v1/devices/{id}", "/ipads/{id}"];

    public Task Invoke(HttpContext context)
    {
        if (context.GetEndpoint() is RouteEndpoint endpoint && context.Request.RouteValues.TryGetValue(Id, out var value) && IsOfDevice(endpoint))
            context.Request.RouteValues[Id] = Text.EnrolmentId(value as string) ?? throw ApiProblem.Field(Id, Text.NotAnEnrolmentId);
        return next(context);
    }

    private static bool IsOfDevice(RouteEndpoint endpoint) =>
        Array.Exists(Routes, route => endpoint.RoutePattern.RawText?.StartsWith(route, StringComparison.Ordinal) == true);
}
