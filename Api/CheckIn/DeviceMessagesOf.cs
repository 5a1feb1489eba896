using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Mdm;

namespace FleetMdm.Api.CheckIn;

/// <summary>What an iPad says, as its grain takes it.</summary>
internal static class DeviceMessagesOf
{
    /// <param name="message">What came.</param>
    /// <param name="address">From where; null: not from the iPad.</param>
    public static AuthenticateMessage Authenticate(Authenticate message, string? address) => new()
    {
        Topic = message.Topic,
        Udid = message.Sender.Udid,
        EnrollmentId = message.Sender.EnrollmentId,
        SerialNumber = message.SerialNumber,
        ProductName = message.ProductName,
        Model = message.Model,
        ModelName = message.ModelName,
        DeviceName = message.DeviceName,
        OsVersion = message.OsVersion,
        BuildVersion = message.BuildVersion,
        Imei = message.Imei,
        Meid = message.Meid,
        Address = address,
    };

    /// <param name="message">What came.</param>
    /// <param name="unlockToken">The one that is to be kept; null: none came.</param>
    public static TokenUpdateMessage TokenUpdate(TokenUpdate message, byte[]? unlockToken) => new()
    {
        Topic = message.Topic,
        Token = message.Token,
        PushMagic = message.PushMagic,
        UnlockToken = unlockToken,
        AwaitingConfiguration = message.AwaitingConfiguration,
        UserShortName = message.Sender.UserShortName,
        UserLongName = message.Sender.UserLongName,
    };
}
