using System.Collections.Frozen;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;

namespace FleetMdm.Api.Access;

/// <summary>Which right a command needs, by its request type: alone, in an operation, as a property list, forced or not.</summary>
public static class CommandRights
{
    private static readonly FrozenDictionary<string, string> OfType = new Dictionary<string, string>
    {
        ["DeviceLock"] = Rights.CommandLock,
        ["ClearPasscode"] = Rights.CommandClearPasscode,
        ["EraseDevice"] = Rights.CommandErase,
        // It takes what a person has on the iPad.
        ["DeleteUser"] = Rights.CommandErase,
        ["EnableLostMode"] = Rights.CommandLostMode,
        ["DisableLostMode"] = Rights.CommandLostMode,
        ["PlayLostModeSound"] = Rights.CommandLostMode,
        ["DeviceLocation"] = Rights.CommandLostMode,
        // They ask, and change nothing; no answer to them holds a secret of the school's.
        ["DeviceInformation"] = Rights.DeviceRefresh,
        ["SecurityInfo"] = Rights.DeviceRefresh,
        ["InstalledApplicationList"] = Rights.DeviceRefresh,
        ["ManagedApplicationList"] = Rights.DeviceRefresh,
        ["ProfileList"] = Rights.DeviceRefresh,
        ["ProvisioningProfileList"] = Rights.DeviceRefresh,
        ["CertificateList"] = Rights.DeviceRefresh,
        ["Restrictions"] = Rights.DeviceRefresh,
        ["UserList"] = Rights.DeviceRefresh,
        ["AvailableOSUpdates"] = Rights.DeviceRefresh,
        ["OSUpdateStatus"] = Rights.DeviceRefresh,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Of a request type, Apple's or not.</summary>
    public static string Of(string requestType) => OfType.GetValueOrDefault(requestType, Rights.CommandSend);

    /// <summary>The request types that need this right; of <see cref="Rights.CommandSend"/> none: it is for all others.</summary>
    public static IEnumerable<string> TypesOf(string right) => OfType.Where(entry => entry.Value == right).Select(entry => entry.Key);

    /// <exception cref="ApiProblem">403.</exception>
    internal static void Require(HttpContext context, string requestType)
    {
        AuditTrail.Uses(context, Of(requestType));
        FleetUser.Of(context).Require(Of(requestType));
    }
}
