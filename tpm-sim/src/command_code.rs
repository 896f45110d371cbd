//! What the commands of a TPM are called, and how many handles each begins with.

use std::fmt;
use std::str::FromStr;

/// A TPM_CC: which command it is.
///
/// Its text is the name in part 2 of the TPM 2.0 Library, or the number in hex where that has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandCode(pub u32);

impl CommandCode {
    /// The name, such as `GetRandom`. None: not a command of the TPM 2.0 Library.
    pub fn name(self) -> Option<&'static str> {
        COMMANDS.iter().find(|(code, ..)| *code == self.0).map(|(_, name, _)| *name)
    }

    /// How many handles stand between the header and the authorizations. None: it is not known.
    pub fn handles(self) -> Option<usize> {
        COMMANDS.iter().find(|(code, ..)| *code == self.0).map(|(.., handles)| *handles)
    }
}

impl fmt::Display for CommandCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "TPM2_{name}"),
            None => write!(f, "{:#010x}", self.0),
        }
    }
}

impl FromStr for CommandCode {
    type Err = CommandCodeError;

    /// Takes a name, with `TPM2_` before it or not, or a number in hex after `0x`.
    fn from_str(text: &str) -> Result<Self, CommandCodeError> {
        let unknown = || CommandCodeError { found: text.to_owned() };
        if let Some(digits) = text.strip_prefix("0x") {
            return u32::from_str_radix(digits, 16).map(Self).map_err(|_| unknown());
        }
        let bare = text.strip_prefix("TPM2_").unwrap_or(text);
        COMMANDS.iter().find(|(_, name, _)| *name == bare).map(|(code, ..)| Self(*code)).ok_or_else(unknown)
    }
}

/// A text that names no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a TPM command such as `GetRandom` or `0x17b`, found `{found}`")]
pub struct CommandCodeError {
    /// The text.
    pub found: String,
}

macro_rules! commands {
    ($($constant:ident = $code:literal, $name:literal, $handles:literal;)*) => {
        impl CommandCode {
            $(
                #[doc = concat!("`TPM2_", $name, "`.")]
                pub const $constant: Self = Self($code);
            )*
        }

        /// Code, name, number of handles.
        const COMMANDS: &[(u32, &str, usize)] = &[$(($code, $name, $handles)),*];
    };
}

// Source: TCG TPM 2.0 Library 1.83, the last two of version 184: the codes of part 2, 6.5.2, the handles of each
// command's table in part 3. FlushContext has its handle among the parameters. A test compares with what swtpm says of
// those that it has.
commands! {
    NV_UNDEFINE_SPACE_SPECIAL = 0x11f, "NV_UndefineSpaceSpecial", 2;
    EVICT_CONTROL = 0x120, "EvictControl", 2;
    HIERARCHY_CONTROL = 0x121, "HierarchyControl", 1;
    NV_UNDEFINE_SPACE = 0x122, "NV_UndefineSpace", 2;
    CHANGE_EPS = 0x124, "ChangeEPS", 1;
    CHANGE_PPS = 0x125, "ChangePPS", 1;
    CLEAR = 0x126, "Clear", 1;
    CLEAR_CONTROL = 0x127, "ClearControl", 1;
    CLOCK_SET = 0x128, "ClockSet", 1;
    HIERARCHY_CHANGE_AUTH = 0x129, "HierarchyChangeAuth", 1;
    NV_DEFINE_SPACE = 0x12a, "NV_DefineSpace", 1;
    PCR_ALLOCATE = 0x12b, "PCR_Allocate", 1;
    PCR_SET_AUTH_POLICY = 0x12c, "PCR_SetAuthPolicy", 1;
    PP_COMMANDS = 0x12d, "PP_Commands", 1;
    SET_PRIMARY_POLICY = 0x12e, "SetPrimaryPolicy", 1;
    FIELD_UPGRADE_START = 0x12f, "FieldUpgradeStart", 2;
    CLOCK_RATE_ADJUST = 0x130, "ClockRateAdjust", 1;
    CREATE_PRIMARY = 0x131, "CreatePrimary", 1;
    NV_GLOBAL_WRITE_LOCK = 0x132, "NV_GlobalWriteLock", 1;
    GET_COMMAND_AUDIT_DIGEST = 0x133, "GetCommandAuditDigest", 2;
    NV_INCREMENT = 0x134, "NV_Increment", 2;
    NV_SET_BITS = 0x135, "NV_SetBits", 2;
    NV_EXTEND = 0x136, "NV_Extend", 2;
    NV_WRITE = 0x137, "NV_Write", 2;
    NV_WRITE_LOCK = 0x138, "NV_WriteLock", 2;
    DICTIONARY_ATTACK_LOCK_RESET = 0x139, "DictionaryAttackLockReset", 1;
    DICTIONARY_ATTACK_PARAMETERS = 0x13a, "DictionaryAttackParameters", 1;
    NV_CHANGE_AUTH = 0x13b, "NV_ChangeAuth", 1;
    PCR_EVENT = 0x13c, "PCR_Event", 1;
    PCR_RESET = 0x13d, "PCR_Reset", 1;
    SEQUENCE_COMPLETE = 0x13e, "SequenceComplete", 1;
    SET_ALGORITHM_SET = 0x13f, "SetAlgorithmSet", 1;
    SET_COMMAND_CODE_AUDIT_STATUS = 0x140, "SetCommandCodeAuditStatus", 1;
    FIELD_UPGRADE_DATA = 0x141, "FieldUpgradeData", 0;
    INCREMENTAL_SELF_TEST = 0x142, "IncrementalSelfTest", 0;
    SELF_TEST = 0x143, "SelfTest", 0;
    STARTUP = 0x144, "Startup", 0;
    SHUTDOWN = 0x145, "Shutdown", 0;
    STIR_RANDOM = 0x146, "StirRandom", 0;
    ACTIVATE_CREDENTIAL = 0x147, "ActivateCredential", 2;
    CERTIFY = 0x148, "Certify", 2;
    POLICY_NV = 0x149, "PolicyNV", 3;
    CERTIFY_CREATION = 0x14a, "CertifyCreation", 2;
    DUPLICATE = 0x14b, "Duplicate", 2;
    GET_TIME = 0x14c, "GetTime", 2;
    GET_SESSION_AUDIT_DIGEST = 0x14d, "GetSessionAuditDigest", 3;
    NV_READ = 0x14e, "NV_Read", 2;
    NV_READ_LOCK = 0x14f, "NV_ReadLock", 2;
    OBJECT_CHANGE_AUTH = 0x150, "ObjectChangeAuth", 2;
    POLICY_SECRET = 0x151, "PolicySecret", 2;
    REWRAP = 0x152, "Rewrap", 2;
    CREATE = 0x153, "Create", 1;
    ECDH_ZGEN = 0x154, "ECDH_ZGen", 1;
    HMAC = 0x155, "HMAC", 1;
    IMPORT = 0x156, "Import", 1;
    LOAD = 0x157, "Load", 1;
    QUOTE = 0x158, "Quote", 1;
    RSA_DECRYPT = 0x159, "RSA_Decrypt", 1;
    HMAC_START = 0x15b, "HMAC_Start", 1;
    SEQUENCE_UPDATE = 0x15c, "SequenceUpdate", 1;
    SIGN = 0x15d, "Sign", 1;
    UNSEAL = 0x15e, "Unseal", 1;
    POLICY_SIGNED = 0x160, "PolicySigned", 2;
    CONTEXT_LOAD = 0x161, "ContextLoad", 0;
    CONTEXT_SAVE = 0x162, "ContextSave", 1;
    ECDH_KEY_GEN = 0x163, "ECDH_KeyGen", 1;
    ENCRYPT_DECRYPT = 0x164, "EncryptDecrypt", 1;
    FLUSH_CONTEXT = 0x165, "FlushContext", 0;
    LOAD_EXTERNAL = 0x167, "LoadExternal", 0;
    MAKE_CREDENTIAL = 0x168, "MakeCredential", 1;
    NV_READ_PUBLIC = 0x169, "NV_ReadPublic", 1;
    POLICY_AUTHORIZE = 0x16a, "PolicyAuthorize", 1;
    POLICY_AUTH_VALUE = 0x16b, "PolicyAuthValue", 1;
    POLICY_COMMAND_CODE = 0x16c, "PolicyCommandCode", 1;
    POLICY_COUNTER_TIMER = 0x16d, "PolicyCounterTimer", 1;
    POLICY_CP_HASH = 0x16e, "PolicyCpHash", 1;
    POLICY_LOCALITY = 0x16f, "PolicyLocality", 1;
    POLICY_NAME_HASH = 0x170, "PolicyNameHash", 1;
    POLICY_OR = 0x171, "PolicyOR", 1;
    POLICY_TICKET = 0x172, "PolicyTicket", 1;
    READ_PUBLIC = 0x173, "ReadPublic", 1;
    RSA_ENCRYPT = 0x174, "RSA_Encrypt", 1;
    START_AUTH_SESSION = 0x176, "StartAuthSession", 2;
    VERIFY_SIGNATURE = 0x177, "VerifySignature", 1;
    ECC_PARAMETERS = 0x178, "ECC_Parameters", 0;
    FIRMWARE_READ = 0x179, "FirmwareRead", 0;
    GET_CAPABILITY = 0x17a, "GetCapability", 0;
    GET_RANDOM = 0x17b, "GetRandom", 0;
    GET_TEST_RESULT = 0x17c, "GetTestResult", 0;
    HASH = 0x17d, "Hash", 0;
    PCR_READ = 0x17e, "PCR_Read", 0;
    POLICY_PCR = 0x17f, "PolicyPCR", 1;
    POLICY_RESTART = 0x180, "PolicyRestart", 1;
    READ_CLOCK = 0x181, "ReadClock", 0;
    PCR_EXTEND = 0x182, "PCR_Extend", 1;
    PCR_SET_AUTH_VALUE = 0x183, "PCR_SetAuthValue", 1;
    NV_CERTIFY = 0x184, "NV_Certify", 3;
    EVENT_SEQUENCE_COMPLETE = 0x185, "EventSequenceComplete", 2;
    HASH_SEQUENCE_START = 0x186, "HashSequenceStart", 0;
    POLICY_PHYSICAL_PRESENCE = 0x187, "PolicyPhysicalPresence", 1;
    POLICY_DUPLICATION_SELECT = 0x188, "PolicyDuplicationSelect", 1;
    POLICY_GET_DIGEST = 0x189, "PolicyGetDigest", 1;
    TEST_PARMS = 0x18a, "TestParms", 0;
    COMMIT = 0x18b, "Commit", 1;
    POLICY_PASSWORD = 0x18c, "PolicyPassword", 1;
    ZGEN_2PHASE = 0x18d, "ZGen_2Phase", 1;
    EC_EPHEMERAL = 0x18e, "EC_Ephemeral", 0;
    POLICY_NV_WRITTEN = 0x18f, "PolicyNvWritten", 1;
    POLICY_TEMPLATE = 0x190, "PolicyTemplate", 1;
    CREATE_LOADED = 0x191, "CreateLoaded", 1;
    POLICY_AUTHORIZE_NV = 0x192, "PolicyAuthorizeNV", 3;
    ENCRYPT_DECRYPT2 = 0x193, "EncryptDecrypt2", 1;
    AC_GET_CAPABILITY = 0x194, "AC_GetCapability", 1;
    AC_SEND = 0x195, "AC_Send", 3;
    POLICY_AC_SEND_SELECT = 0x196, "Policy_AC_SendSelect", 1;
    CERTIFY_X509 = 0x197, "CertifyX509", 2;
    ACT_SET_TIMEOUT = 0x198, "ACT_SetTimeout", 1;
    ECC_ENCRYPT = 0x199, "ECC_Encrypt", 1;
    ECC_DECRYPT = 0x19a, "ECC_Decrypt", 1;
    POLICY_CAPABILITY = 0x19b, "PolicyCapability", 1;
    POLICY_PARAMETERS = 0x19c, "PolicyParameters", 1;
    NV_DEFINE_SPACE2 = 0x19d, "NV_DefineSpace2", 1;
    NV_READ_PUBLIC2 = 0x19e, "NV_ReadPublic2", 1;
    SET_CAPABILITY = 0x19f, "SetCapability", 1;
    READ_ONLY_CONTROL = 0x1a0, "ReadOnlyControl", 1;
    POLICY_TRANSPORT_SPDM = 0x1a1, "PolicyTransportSPDM", 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_read_by_its_text() {
        for (code, name, _) in COMMANDS {
            let code = CommandCode(*code);
            assert_eq!(code.to_string(), format!("TPM2_{name}"));
            for text in [code.to_string(), (*name).to_owned(), format!("{:#x}", code.0)] {
                assert_eq!(text.parse(), Ok(code));
            }
        }
        assert!(COMMANDS.is_sorted_by(|one, other| one.0 < other.0), "no code twice");
        assert_eq!("NV_Write".parse(), Ok(CommandCode::NV_WRITE));
    }

    #[test]
    fn what_is_no_command_is_refused_or_a_number() {
        for bad in ["", "getrandom", "GetRandom ", "TPM2_", "TPM_GetRandom", "379", "0x", "0x100000000"] {
            assert_eq!(bad.parse::<CommandCode>(), Err(CommandCodeError { found: bad.to_owned() }));
        }
        let vendors = CommandCode(0x2000_0000);
        assert_eq!(
            (vendors.to_string().as_str(), vendors.name(), vendors.handles()),
            ("0x20000000", None, None)
        );
    }
}
