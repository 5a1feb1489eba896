using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Inventory;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Inventory;

/// <summary>The lists of one iPad, below <c>/api/v1/devices/{id}</c>.</summary>
internal static class InventoryEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var device = api.MapGroup("/devices/{id}").Needs(Rights.DeviceRead).WithTags("Inventory");
        device.MapGet("/apps", Apps).WithQuery("after", "limit").Fails(400, 404);
        device.MapGet("/managed-apps", ManagedApps).WithQuery("after", "limit").Fails(400, 404);
        device.MapGet("/profiles", Profiles).WithQuery("after", "limit").Fails(400, 404);
        device.MapGet("/certificates", Certificates).WithQuery("after", "limit").Fails(400, 404);
        device.MapGet("/provisioning-profiles", ProvisioningProfiles).WithQuery("after", "limit").Fails(400, 404);
        device.MapGet("/security", Security).WithQuery("after", "limit").Fails(400, 404);
        device.MapGet("/restrictions", Restrictions).WithQuery("after", "limit").Fails(400, 404);
        device.MapGet("/users", Users).WithQuery("after", "limit").Fails(400, 404);
        device.MapGet("/location", Location).Needs(Rights.LocationRead).WithQuery("reason").Fails(400, 404);
    }

    /// <summary>The apps on an iPad</summary>
    /// <remarks>As it last answered InstalledApplicationList.</remarks>
    /// <param name="id">Of the iPad.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static Task<Ok<InventoryListView>> Apps(string id, InventoryService service, string? after = null, string? limit = null) =>
        Read(id, InventoryList.Apps, service, after, limit);

    /// <summary>The apps that the server manages on an iPad, and how far each is</summary>
    /// <remarks>As it last answered ManagedApplicationList. Redemption codes are not kept.</remarks>
    /// <param name="id">Of the iPad.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static Task<Ok<InventoryListView>> ManagedApps(string id, InventoryService service, string? after = null, string? limit = null) =>
        Read(id, InventoryList.ManagedApps, service, after, limit);

    /// <summary>The configuration profiles on an iPad</summary>
    /// <remarks>As it last answered ProfileList.</remarks>
    /// <param name="id">Of the iPad.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static Task<Ok<InventoryListView>> Profiles(string id, InventoryService service, string? after = null, string? limit = null) =>
        Read(id, InventoryList.Profiles, service, after, limit);

    /// <summary>The certificates on an iPad, and when each expires</summary>
    /// <remarks>As it last answered CertificateList. The certificates themselves are not kept.</remarks>
    /// <param name="id">Of the iPad.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static Task<Ok<InventoryListView>> Certificates(string id, InventoryService service, string? after = null, string? limit = null) =>
        Read(id, InventoryList.Certificates, service, after, limit);

    /// <summary>The provisioning profiles on an iPad, and when each expires</summary>
    /// <remarks>As it last answered ProvisioningProfileList.</remarks>
    /// <param name="id">Of the iPad.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static Task<Ok<InventoryListView>> ProvisioningProfiles(string id, InventoryService service, string? after = null, string? limit = null) =>
        Read(id, InventoryList.ProvisioningProfiles, service, after, limit);

    /// <summary>Passcode, encryption and management of an iPad</summary>
    /// <remarks>As it last answered SecurityInfo; one item for each setting. Secrets are not kept.</remarks>
    /// <param name="id">Of the iPad.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static Task<Ok<InventoryListView>> Security(string id, InventoryService service, string? after = null, string? limit = null) =>
        Read(id, InventoryList.Security, service, after, limit);

    /// <summary>The restrictions that hold on an iPad</summary>
    /// <remarks>As it last answered Restrictions. <c>setBy</c> of an item's details names the profiles that ask for it, where the command asked for them.</remarks>
    /// <param name="id">Of the iPad.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static Task<Ok<InventoryListView>> Restrictions(string id, InventoryService service, string? after = null, string? limit = null) =>
        Read(id, InventoryList.Restrictions, service, after, limit);

    /// <summary>The users of a Shared iPad</summary>
    /// <remarks>As it last answered UserList.</remarks>
    /// <param name="id">Of the iPad.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static Task<Ok<InventoryListView>> Users(string id, InventoryService service, string? after = null, string? limit = null) =>
        Read(id, InventoryList.Users, service, after, limit);

    internal const int MostPlaces = 50;

    /// <summary>Where a lost iPad is</summary>
    /// <remarks>As it answered DeviceLocation, which it does in lost mode only: the newest first, at most 50; <c>value</c> says when it was told. For administrators, who say why; each look is
    /// recorded. All of it is forgotten when the iPad acknowledges DisableLostMode, and when its enrolment ends or begins anew.</remarks>
    /// <param name="id">Of the iPad.</param>
    /// <param name="reason">Why you look. The header Audit-Reason does as well.</param>
    public static async Task<Ok<InventoryListView>> Location(string id, HttpContext context, InventoryService service, AuditTrail trail, string? reason = null)
    {
        var (device, known) = await service.Find(id);
        await RecordLook(context, trail, device.Id, AuditReason.Required(context, reason));
        return TypedResults.Ok(await service.Read(device.Id, known.GetValueOrDefault(InventoryList.Location), InventoryList.Location, null, MostPlaces));
    }

    /// <summary>Before it is shown.</summary>
    internal static Task RecordLook(HttpContext context, AuditTrail trail, string deviceId, string reason) =>
        trail.Record(context, AuditVerbs.SecretRead, AuditTargets.Device, deviceId, detail: "location", reason: reason);

    private static async Task<Ok<InventoryListView>> Read(string id, InventoryList list, InventoryService service, string? after, string? limit)
    {
        var (device, known) = await service.Find(id);
        return TypedResults.Ok(await service.Read(device.Id, known.GetValueOrDefault(list), list, after, Page.Limit(limit)));
    }
}
