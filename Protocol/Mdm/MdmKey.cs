namespace FleetMdm.Protocol.Mdm;

/// <summary>The top-level keys that messages are understood by. The texts come first: their numbers are places in a table.</summary>
internal enum MdmKey : byte
{
    Udid,
    EnrollmentId,
    UserId,
    UserShortName,
    UserLongName,
    CommandUuid,
    Topic,
    SerialNumber,
    ProductName,
    Model,
    ModelName,
    DeviceName,
    OsVersion,
    BuildVersion,
    Imei,
    Meid,
    PushMagic,
    TokenServiceType,
    Endpoint,
    MessageType,
    Status,

    Token,
    UnlockToken,
    BootstrapToken,
    Data,

    AwaitingConfiguration,
    ErrorChain,
    QueryResponses,

    /// <summary>Any other key: of no use here.</summary>
    Other,
}

internal static class MdmKeys
{
    public const int Texts = (int)MdmKey.Status + 1;
    public const int Blobs = (int)MdmKey.Data + 1 - Texts;

    public static bool IsText(MdmKey key) => key <= MdmKey.Status;

    public static bool IsBlob(MdmKey key) => key is >= MdmKey.Token and <= MdmKey.Data;

    /// <summary>By length first: most keys of a report are none of these, and are told from them by one comparison.</summary>
    public static MdmKey Identify(ReadOnlySpan<byte> name) => name.Length switch
    {
        4 when name.SequenceEqual("UDID"u8) => MdmKey.Udid,
        4 when name.SequenceEqual("IMEI"u8) => MdmKey.Imei,
        4 when name.SequenceEqual("MEID"u8) => MdmKey.Meid,
        4 when name.SequenceEqual("Data"u8) => MdmKey.Data,
        5 when name.SequenceEqual("Topic"u8) => MdmKey.Topic,
        5 when name.SequenceEqual("Token"u8) => MdmKey.Token,
        5 when name.SequenceEqual("Model"u8) => MdmKey.Model,
        6 when name.SequenceEqual("Status"u8) => MdmKey.Status,
        6 when name.SequenceEqual("UserID"u8) => MdmKey.UserId,
        8 when name.SequenceEqual("Endpoint"u8) => MdmKey.Endpoint,
        9 when name.SequenceEqual("PushMagic"u8) => MdmKey.PushMagic,
        9 when name.SequenceEqual("OSVersion"u8) => MdmKey.OsVersion,
        9 when name.SequenceEqual("ModelName"u8) => MdmKey.ModelName,
        10 when name.SequenceEqual("ErrorChain"u8) => MdmKey.ErrorChain,
        10 when name.SequenceEqual("DeviceName"u8) => MdmKey.DeviceName,
        11 when name.SequenceEqual("CommandUUID"u8) => MdmKey.CommandUuid,
        11 when name.SequenceEqual("MessageType"u8) => MdmKey.MessageType,
        11 when name.SequenceEqual("UnlockToken"u8) => MdmKey.UnlockToken,
        11 when name.SequenceEqual("ProductName"u8) => MdmKey.ProductName,
        12 when name.SequenceEqual("EnrollmentID"u8) => MdmKey.EnrollmentId,
        12 when name.SequenceEqual("SerialNumber"u8) => MdmKey.SerialNumber,
        12 when name.SequenceEqual("BuildVersion"u8) => MdmKey.BuildVersion,
        12 when name.SequenceEqual("UserLongName"u8) => MdmKey.UserLongName,
        13 when name.SequenceEqual("UserShortName"u8) => MdmKey.UserShortName,
        14 when name.SequenceEqual("BootstrapToken"u8) => MdmKey.BootstrapToken,
        14 when name.SequenceEqual("QueryResponses"u8) => MdmKey.QueryResponses,
        16 when name.SequenceEqual("TokenServiceType"u8) => MdmKey.TokenServiceType,
        21 when name.SequenceEqual("AwaitingConfiguration"u8) => MdmKey.AwaitingConfiguration,
        _ => MdmKey.Other,
    };

    /// <summary>Apple's spelling, for messages.</summary>
    public static string Name(MdmKey key) => key switch
    {
        MdmKey.Udid => "UDID",
        MdmKey.EnrollmentId => "EnrollmentID",
        MdmKey.UserId => "UserID",
        MdmKey.CommandUuid => "CommandUUID",
        MdmKey.OsVersion => "OSVersion",
        MdmKey.Imei => "IMEI",
        MdmKey.Meid => "MEID",
        _ => key.ToString(),
    };
}
